import assert from 'node:assert/strict';
import { sampleLabels } from '../../pipeline/compress/visit-gradients.ts';
import { fisherScores } from '../../pipeline/slicing/fisher-scores.ts';
import type { SlicedModel } from '../../pipeline/slicing/sliced-model.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';
import { batchesFor, foldedModel, logitsOf, logSoftmax, pixelsFor, roomy } from './models.ts';
import { channelsScaled, layerScaled } from './scores.ts';

const images = 4;
const seed = 8;
const small = { ...roomy, depth: 2 };
const model = foldedModel(small);
const step = 1e-2;

function logits({ architecture, weights }: SlicedModel): Float32Array {
  return logitsOf(architecture, weights, pixelsFor(architecture, images));
}

/** Sum over the images of the squared slope of log p(drawn label) by the gate of part `index`: central differences. */
function bySlopes(scaledBy: (gates: Float32Array) => SlicedModel, index: number): number {
  const labels = sampleLabels(logits(model), 5, (image) => random(seed, 'fisher', image));
  const told = (gate: number): number[] => {
    const gates = new Float32Array(12).fill(1).fill(gate, index, index + 1);
    const found = logits(scaledBy(gates));
    return Array.from(labels, (label, image) => logSoftmax(found, 5 * image, 5)[label]!);
  };
  const [up, down] = [told(1 + step), told(1 - step)];
  return up.reduce((sum, value, i) => sum + ((value - down[i]!) / (2 * step)) ** 2, 0);
}

function assertSlopes(found: Float64Array | undefined, scaledBy: (gates: Float32Array) => SlicedModel): void {
  const scores = present(found);
  assert.equal(scores.length, 12);
  for (const index of [0, 7]) {
    const expected = bySlopes(scaledBy, index);
    const error = Math.abs(scores[index]! - expected);
    assert.ok(error < 2e-2 * Math.max(...scores), `${scores[index]!} against ${expected}`);
  }
}

describeOnEachEngine('slicing/fisher-scores', () => {
  const score = fisherScores(batchesFor(small, [3, 1]), { images, seed });

  it('of channels are squared slopes: central differences within 2 % of the largest', async () => {
    const { channels } = await score(model, 'stream');
    assertSlopes(channels, (gates) => channelsScaled(model, gates));
  });

  it('of keys and values are squared slopes within 2 % of the largest', async () => {
    const { layers } = await score(model, 'attention');
    assertSlopes(layers?.[0]?.keys, (gates) => layerScaled(model, 0, 'keys', gates));
    assertSlopes(layers?.[1]?.values, (gates) => layerScaled(model, 1, 'values', gates));
  });

  it('of hidden units are squared slopes within 2 % of the largest', async () => {
    const { layers } = await score(model, 'ffn');
    assertSlopes(layers?.[0]?.units, (gates) => layerScaled(model, 0, 'units', gates));
    assertSlopes(layers?.[1]?.units, (gates) => layerScaled(model, 1, 'units', gates));
  });

  it('are the same by the same seed however images come in batches, within 1e-4', async () => {
    const of = async (sizes: readonly number[], seed: number): Promise<Float64Array> => {
      const { channels } = await fisherScores(batchesFor(small, sizes), { images, seed })(model, 'stream');
      return present(channels);
    };
    const [one, other] = [await of([4], seed), await of([1, 3], seed)];
    const largest = Math.max(...one);
    assert.ok(one.every((value, i) => Math.abs(value - other[i]!) < 1e-4 * largest));
  });

  it('leave nothing behind where they are stopped', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    const stopped = fisherScores(batchesFor(small, [3, 1]), { images, seed, signal });
    await assert.rejects(stopped(model, 'ffn'), /stopped/);
  });
});
