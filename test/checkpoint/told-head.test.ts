import assert from 'node:assert/strict';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { namesRig } from './names-rig.ts';

describe('checkpoint: a head by name (teacher.hints.head)', () => {
  const { inspected, refusal } = namesRig();
  const both: Architecture = { ...tinyArchitecture, pool: 'class-and-mean' };
  const tensors = Object.fromEntries(
    Object.entries(strongWeights(both)).map(([name, tensor]) => [name.replace(/^head\./, 'probe.'), tensor]),
  );
  const sizes = { heads: 2, imageSize: 8, pool: undefined } as const;

  it('may take the class token and the mean of the patches side by side, as the usual one', async () => {
    const { architecture, notes } = await inspected(tensors, { hints: { ...sizes, head: 'probe' } });
    const pair = 'the head takes twice the width: the class token, then the mean of the patches, is assumed';
    assert.deepEqual([architecture, notes], [both, ['the head is "probe"', pair]]);
  });

  it('takes no other number of features', async () => {
    const probe = { shape: [5, 24], data: new Float32Array(5 * 24) };
    const promise = inspected({ ...tensors, 'probe.weight': probe }, { hints: { ...sizes, head: 'probe' } });
    assert.match(
      await refusal(promise, 'config-invalid'),
      /teacher\.hints\.head: "probe".*width of 8, or twice that/s,
    );
  });
});
