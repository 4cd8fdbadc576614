import assert from 'node:assert/strict';
import { join } from 'node:path';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { hints, multihead, renamed } from './plain-model.ts';
import { namesRig } from './names-rig.ts';

const untold = { pool: undefined };

/** As timm calls a norm behind pooling. */
function withNormAfter(architecture: Architecture) {
  return Object.fromEntries(
    Object.entries(strongWeights(architecture)).map(([name, tensor]) => [
      name.replace(/^norm\./, 'fc_norm.'),
      tensor,
    ]),
  );
}

describe('checkpoint: what a head reads', () => {
  const { inspected, refusal } = namesRig();

  it('of a pooling attention beside other tokens the patches, whoever tells it', async () => {
    const tensors = strongWeights({ ...tinyArchitecture, pool: 'patch-attention' });
    for (const hints of [untold, { pool: 'attention' as const }])
      assert.equal((await inspected(tensors, { hints })).architecture.pool, 'patch-attention');
    const alone = strongWeights({ ...tinyArchitecture, classToken: false, pool: 'attention' });
    assert.equal((await inspected(alone, { hints: untold })).architecture.pool, 'attention');
  });

  it('of names that are the same on both sides of a norm, with the side that the user says', async () => {
    const tensors = renamed(multihead);
    const note = /^nothing tells on which side of pooling the last norm stands: before it is assumed/;
    for (const names of [undefined, multihead]) {
      const told = (normAfterPool?: boolean) =>
        inspected(tensors, { names, hints: { pool: 'mean', normAfterPool } });
      const assumed = await told();
      assert.equal(assumed.architecture.pool, 'normed-mean');
      assert.ok(assumed.notes.some((one) => note.test(one)));
      for (const [isAfter, pool] of [
        [true, 'mean'],
        [false, 'normed-mean'],
      ] as const) {
        const { architecture, notes } = await told(isAfter);
        assert.equal(architecture.pool, pool);
        assert.ok(!notes.some((one) => note.test(one)));
      }
      const single = await inspected(tensors, { names });
      assert.ok(!single.notes.some((one) => note.test(one)), 'a class token is the same on both sides');
    }
  });

  it('of towers of OpenCLIP, too, whose norm may stand behind an average', async () => {
    const file = join(import.meta.dirname, '../fixtures/teachers/openclip.safetensors');
    const tower = (normAfterPool?: boolean) =>
      inspectCheckpoint(file, { hints: { ...hints, pool: 'mean', normAfterPool } });
    assert.ok((await tower()).notes.some((note) => note.includes('teacher.hints.normAfterPool')));
    assert.equal((await tower(true)).architecture.pool, 'mean');
  });

  it('of a norm whose name is fc_norm behind it, also by teacher.names', async () => {
    const tensors = withNormAfter(tinyArchitecture);
    const told = { names: { norm: 'fc_norm' }, hints: { pool: 'mean' } } as const;
    assert.equal((await inspected(tensors, told)).architecture.pool, 'mean');
    const other = inspected(tensors, { hints: { pool: 'mean', normAfterPool: false } });
    assert.match(
      await refusal(other, 'config-invalid'),
      /fc_norm\.weight is the name of a norm after pooling/,
    );
  });

  it('refuses a norm behind a pooling attention, or behind two vectors', async () => {
    const found = await refusal(
      inspected(withNormAfter({ ...tinyArchitecture, pool: 'patch-attention' }), { hints: untold }),
    );
    assert.match(found, /a norm behind pooling \(fc_norm\) and a head that reads a pooling attention/);
    const both = await refusal(
      inspected(withNormAfter({ ...tinyArchitecture, pool: 'class-and-mean' }), { hints: untold }),
    );
    assert.match(both, /a head that reads class-and-mean/);
  });
});
