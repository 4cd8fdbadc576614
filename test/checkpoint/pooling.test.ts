import assert from 'node:assert/strict';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
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
