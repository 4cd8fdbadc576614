import * as tf from '@tensorflow/tfjs-core';
import { product } from '../../tensor/ops.ts';
import { orderByScore } from './criterion.ts';
import type { Criterion } from './criterion.ts';

/**
 * First-order Taylor expansion of the model's own loss: `E |g_j h_j|`, g the gradient at the unit (Molchanov et al.,
 * "Importance Estimation for Neural Network Pruning", CVPR 2019, with gates at the hidden units; per token). A baseline.
 */
export const taylor: Criterion = ({ statistics: { mean }, saliency }) => {
  if (saliency?.length !== mean.length)
    throw new RangeError(`taylor needs the saliency of ${mean.length} units`);
  return orderByScore(saliency);
};

export interface Saliency {
  /**
   * Adds T tokens: their activations h [T, H], the gradient at the block's output [T, D], and fc2's kernel [H, D], which
   * carries it to the units (`y = h W2 + b2`, so `dL/dh = dL/dy W2'`). Disposes nothing, keeps nothing.
   */
  add(h: tf.Tensor2D, outputGradient: tf.Tensor2D, fc2Kernel: tf.Tensor): void;
  /** [H]: mean of |gradient x activation| over the tokens so far; zeros without tokens. */
  finish(): Float64Array;
}

export function createSaliency(hidden: number): Saliency {
  const sum = new Float64Array(hidden);
  let tokens = 0;
  return {
    add(h, outputGradient, fc2Kernel) {
      if (h.shape[1] !== hidden)
        throw new RangeError(`activations of ${h.shape[1]} hidden units, expected ${hidden}`);
      tf.tidy(() => {
        const gradient = product(outputGradient, fc2Kernel, false, true);
        const values = tf.sum(tf.abs(tf.mul(gradient, h)), 0).dataSync();
        for (let j = 0; j < hidden; j++) sum[j] += values[j];
      });
      tokens += h.shape[0];
    },
    finish: () => sum.map((value) => (tokens === 0 ? 0 : value / tokens)),
  };
}
