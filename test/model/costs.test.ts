import assert from 'node:assert/strict';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { blockCosts, frameCosts, modelCosts } from '../../pipeline/model/costs.ts';
import { vitBase as base } from '../support/checkpoints.ts';

const tiny: Architecture = { ...base, width: 192, heads: 3, hidden: 768 };

describe('model/costs', () => {
  it('gives the published sizes of ViT-B/16 and ViT-Ti/16', () => {
    assert.equal(modelCosts(base).params, 86_567_656);
    assert.equal(modelCosts(tiny).params, 5_717_416);
    assert.equal(modelCosts(base).sizeBytes, 4 * 86_567_656);
    // torchvision publishes 17.56 G for vit_b_16; fvcore's 17.58 G counts five operations per LayerNorm element too.
    const { macs } = modelCosts(base);
    assert.equal((macs / 1e9).toFixed(2), '17.56');
    assert.equal(((macs + 5 * 25 * 197 * 768) / 1e9).toFixed(2), '17.58');
  });

  it('gives a block’s closed form, linear in its width', () => {
    assert.deepEqual(blockCosts(base, 0, 3072), {
      params: 4_722_432,
      sizeBytes: 18_889_728,
      macs: 197 * 2 * 768 * 3072,
    });
    assert.equal(blockCosts(base, 0, 1536).macs * 2, blockCosts(base, 0, 3072).macs);
  });

  it('adds up: the model is the frame and its blocks', () => {
    const hiddens = [3072, 1536, 768, 96, 3072, 3072, 8, 3072, 3072, 3072, 3072, 1];
    const blocks = hiddens.map((hidden, block) => blockCosts(base, block, hidden));
    const frame = frameCosts(base);
    const whole = modelCosts(base, hiddens);
    assert.equal(whole.params, frame.params + blocks.reduce((sum, { params }) => sum + params, 0));
    assert.equal(whole.macs, frame.macs + blocks.reduce((sum, { macs }) => sum + macs, 0));
  });
});
