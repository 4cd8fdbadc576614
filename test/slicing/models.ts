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
export function pixelsFor({ imageSize, channels }: Architecture, images: number): tf.Tensor4D {
  const { height, width } = extentOf(imageSize);
  const stream = random(9, 'pixels');
  const values = Float32Array.from({ length: images * height * width * channels }, () => stream.normal());
  return tf.tensor4d(values, [images, height, width, channels]);
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
