import assert from 'node:assert/strict';
import type { AxisScores, SliceStep } from '../../pipeline/slicing/axis-scores.ts';
import { klScores } from '../../pipeline/slicing/kl-scores.ts';
import type { SlicedModel } from '../../pipeline/slicing/sliced-model.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';
import { batchesFor, divergence, foldedModel, logitsOf, pixelsFor, roomy } from './models.ts';
import { channelsScaled, holed, layerScaled } from './scores.ts';

const images = 4;
const small = { ...roomy, depth: 2 };
const model = foldedModel(small);
const batches = batchesFor(small, [3, 1]);

function logits({ architecture, weights }: SlicedModel): Float32Array {
  return logitsOf(architecture, weights, pixelsFor(architecture, images));
}

/** Sum over the images, as the scores are. */
const apart = (other: SlicedModel): number => images * divergence(logits(model), logits(other), 5);
const score = (step: SliceStep, more = {}): Promise<AxisScores> =>
  klScores(batches, { groups: 3, images, ...more })(model, step);

/** Groups of four of twelve: each has the score of the model whose weights lack it, within a thousandth. */
function assertGroups(found: Float64Array | undefined, without: (gate: Float32Array) => SlicedModel): void {
  const scores = present(found);
  assert.equal(scores.length, 12);
  for (const from of [0, 4, 8]) {
    const expected = apart(without(holed(12, from, from + 4)));
    assert.ok(expected > 1e-3);
    for (let i = from; i < from + 4; i++) {
      assert.ok(Math.abs(scores[i]! - expected) < 1e-3 * expected, `${scores[i]!} against ${expected}`);
    }
  }
}

describeOnEachEngine('slicing/kl-scores', () => {
  it('of channels are the divergences of the models without each group of them', async () => {
    const { channels } = await score('stream');
    assertGroups(channels, (gate) => channelsScaled(model, gate));
  });

  it('of keys and values are the divergences without each group of them, in every layer', async () => {
    const { layers } = await score('attention');
    for (const layer of [0, 1]) {
      assertGroups(layers?.[layer]?.keys, (gate) => layerScaled(model, layer, 'keys', gate));
      assertGroups(layers?.[layer]?.values, (gate) => layerScaled(model, layer, 'values', gate));
    }
  });

  it('of hidden units are the divergences without each group of them, in every layer', async () => {
    const { layers } = await score('ffn');
    for (const layer of [0, 1]) {
      assertGroups(layers?.[layer]?.units, (gate) => layerScaled(model, layer, 'units', gate));
    }
  });

  it('take no more batches than have the images, and no more groups than parts', async () => {
    const { channels } = await score('stream', { groups: 100, images: 2 });
    assert.equal(new Set(channels).size, 12);
  });

  it('leave nothing behind where they are stopped', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await assert.rejects(score('ffn', { signal }), /stopped/);
    // After some groups of the second layer.
    let asked = 0;
    const late = {
      throwIfAborted: () => {
        if (++asked > 6) throw new Error('stopped late');
      },
    } as AbortSignal;
    await assert.rejects(score('ffn', { signal: late }), /stopped late/);
  });
});
