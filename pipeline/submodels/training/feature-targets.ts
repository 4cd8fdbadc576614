import * as tf from '@tensorflow/tfjs-core';
import type { TeacherTargets } from './training-task.ts';

/** Brings a teacher's features to mean 0 and, over all entries together, variance 1. */
export interface FeatureScale {
  /** [D] */
  readonly mean: Float32Array;
  readonly deviation: number;
}

/** Of the images at `places`. */
export function featureScale(
  { width, features }: TeacherTargets & { readonly features: Float32Array },
  places: ArrayLike<number>,
): FeatureScale {
  const sums = new Float64Array(width);
  let squares = 0;
  for (let i = 0; i < places.length; i++) {
    const from = places[i]! * width;
    for (let d = 0; d < width; d++) {
      const value = features[from + d]!;
      sums[d]! += value;
      squares += value * value;
    }
  }
  const mean = sums.map((sum) => sum / places.length);
  const energy = squares / places.length - mean.reduce((sum, value) => sum + value * value, 0);
  // Features that do not vary ask for nothing.
  const deviation = energy > 0 ? Math.sqrt(energy / width) : 1;
  return { mean: Float32Array.from(mean), deviation };
}

/** Row `place` of `features` [N, D], scaled, into row `row` of `into` [B, D]. */
export function scaleFeature(
  features: Float32Array,
  place: number,
  { mean, deviation }: FeatureScale,
  into: Float32Array,
  row: number,
): void {
  const width = mean.length;
  for (let d = 0; d < width; d++) {
    into[row * width + d] = (features[place * width + d]! - mean[d]!) / deviation;
  }
}

/** `scaleFeature` of all rows of [B, D] on the engine. Caller disposes. */
export function scaleFeatures(features: tf.Tensor2D, { mean, deviation }: FeatureScale): tf.Tensor2D {
  return tf.tidy(() => tf.div<tf.Tensor2D>(tf.sub(features, tf.tensor1d(mean)), deviation));
}
