import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { extentOf, type Architecture } from '../../pipeline/model/architecture.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import type { HostWeights } from '../../pipeline/model/host-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { foldVit } from '../../pipeline/slicing/fold.ts';
import type { SlicedModel } from '../../pipeline/slicing/sliced-model.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';

/** Room to cut on every axis: three heads of four, 5 tokens, three blocks. */
export const roomy: Architecture = { ...tinyArchitecture, width: 12, heads: 3, depth: 3 };

/** A random ViT, its norms and all biases not trivial, folded. */
export function foldedModel(architecture: Architecture = roomy): SlicedModel {
  return foldVit(strongWeights(architecture), architecture);
}

/** Normal pixels, [images, height, width, C]. */
export function pixelsFor({ imageSize, channels }: Architecture, images: number, seed = 9): tf.Tensor4D {
  const { height, width } = extentOf(imageSize);
  const stream = random(seed, 'pixels');
  const values = Float32Array.from({ length: images * height * width * channels }, () => stream.normal());
  return tf.tensor4d(values, [images, height, width, channels]);
}

/** The pixels of as many images as `sizes` sum to, in batches of these sizes, as often as they are asked for. */
export function batchesFor(
  architecture: Architecture,
  sizes: readonly number[],
  seed = 9,
): () => AsyncGenerator<tf.Tensor4D> {
  return async function* () {
    let first = 0;
    for (const size of sizes) {
      const start = first;
      first += size;
      const count = sizes.reduce((sum, one) => sum + one, 0);
      yield tf.tidy(() =>
        tf.slice4d(pixelsFor(architecture, count, seed), [start, 0, 0, 0], [size, -1, -1, -1]),
      );
      await Promise.resolve();
    }
  };
}

/** [images, classes], row by row. */
export function logitsOf(
  architecture: Architecture,
  weights: HostWeights,
  images = pixelsFor(architecture, 3),
): Float32Array {
  const model = uploadTeacher(weights, architecture);
  const { logits } = forward(model, images);
  const values = logits.dataSync<'float32'>().slice();
  tf.dispose([logits, images]);
  model.dispose();
  return values;
}

/** Largest difference at most `share` of the largest expected value, which are not all alike. */
export function assertNear(found: ArrayLike<number>, expected: ArrayLike<number>, share: number): void {
  assert.equal(found.length, expected.length);
  const values = Array.from(expected);
  const size = Math.max(...values.map(Math.abs));
  assert.ok(size > 1e-3 && Math.max(...values) > Math.min(...values), 'expected values that say something');
  const worst = Math.max(...values.map((value, i) => Math.abs(value - found[i]!)));
  assert.ok(worst <= share * size, `differs by ${worst}, at most ${share} of ${size}`);
}

export function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}

/** The model with the first rows (`first`) of a tensor, or the columns of its last axis (`last`), times `factors`. */
export function scaled(
  { architecture, weights }: SlicedModel,
  name: string,
  axis: 'first' | 'last',
  factors: ArrayLike<number>,
): SlicedModel {
  const { shape, data } = weights[name]!;
  const columns = axis === 'last' ? shape[shape.length - 1]! : data.length / shape[0]!;
  const changed = data.map((value, at) => {
    const index = axis === 'last' ? at % columns : Math.floor(at / columns);
    return value * (factors[index] ?? 1);
  });
  return { architecture, weights: { ...weights, [name]: { shape, data: changed } } };
}

/** Mean `KL(p || q)` of the rows' softmax, [images, classes] each. */
export function divergence(whole: ArrayLike<number>, other: ArrayLike<number>, classes: number): number {
  let sum = 0;
  for (let start = 0; start < whole.length; start += classes) {
    const [p, q] = [logSoftmax(whole, start, classes), logSoftmax(other, start, classes)];
    sum += p.reduce((part, value, i) => part + Math.exp(value) * (value - q[i]!), 0);
  }
  return sum / (whole.length / classes);
}

export function logSoftmax(logits: ArrayLike<number>, start: number, classes: number): number[] {
  const row = Array.from({ length: classes }, (_, i) => logits[start + i]!);
  const total = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
  return row.map((value) => value - total);
}
