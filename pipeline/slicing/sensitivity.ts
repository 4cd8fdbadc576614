import * as tf from '@tensorflow/tfjs-core';
import { sampleLabels, visitGradients } from '../compress/visit-gradients.ts';
import { prefixTokens, tokensPerImage } from '../model/architecture.ts';
import type { ModelTensors } from '../model/backbone.ts';
import { random } from '../util/random.ts';
import { visitImages } from './visit-images.ts';

/** How much the answer depends on what the layers put out. */
export interface Sensitivity {
  /** By layer, the prefix tokens' share of the squared gradient. */
  readonly classShare: readonly number[];
  /** By layer, second moments [D, D] of the gradient at the stream behind it: of Fisher's information the part of one token. */
  readonly metric: readonly Float64Array[];
  readonly images: number;
}

export interface SensitivityOptions {
  readonly images: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gradients of `log p(label)` at the stream, the label drawn from the model's own prediction among its classes: their second
 * moments say to second order how far the prediction moves. Costs about four forward passes. Takes over the pixels.
 */
export async function measureSensitivity(
  model: ModelTensors,
  batches: AsyncIterable<tf.Tensor4D>,
  { images, seed, signal }: SensitivityOptions,
): Promise<Sensitivity> {
  const { depth, width } = model.architecture;
  const tokens = tokensPerImage(model.architecture);
  const prefix = prefixTokens(model.architecture);
  const metric = Array.from({ length: depth }, () => new Float64Array(width * width));
  const ofPrefix = new Float64Array(depth);
  const ofAll = new Float64Array(depth);
  const seen = await visitImages(batches, { images, signal }, (pixels, first) => {
    const count = pixels.shape[0];
    const rows = Int32Array.from({ length: count * tokens }, (_, row) => row);
    const choose = (logits: Float32Array, classes: number): Int32Array =>
      sampleLabels(logits, classes, (image) => random(seed, 'sensitivity', first + image));
    visitGradients(model, pixels, rows, choose, (block, { outputGradient }) => {
      const products = tf.tidy(() => tf.matMul(outputGradient, outputGradient, true, false).dataSync());
      const squares = tf.tidy(() => tf.sum(tf.square(outputGradient), 1).dataSync());
      const sum = metric[block]!;
      for (let i = 0; i < sum.length; i++) sum[i]! += products[i]!;
      for (const [row, square] of squares.entries()) {
        ofAll[block]! += square;
        if (row % tokens < prefix) ofPrefix[block]! += square;
      }
    });
  });
  return {
    classShare: Array.from(ofPrefix, (value, block) => (ofAll[block]! > 0 ? value / ofAll[block]! : 0)),
    metric: metric.map((sum) => sum.map((value) => value / Math.max(seen, 1))),
    images: seen,
  };
}
