import * as tf from '@tensorflow/tfjs-core';
import { product, sumRows } from './ops.ts';

/** What the way back needs of `attend`. */
export type Attended = readonly [
  scaled: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  weights: tf.Tensor,
  value: tf.Tensor,
];

/**
 * `softmax(q k' / sqrt(d) + bias) v`, for functions with gradients of their own: not differentiable on every engine.
 * q: [B, h, P, d]; k, v: [B, h, T, d]; bias: [W, h, P, T], W a divisor of B -> `value` [B, h, P, d], the last.
 */
export function attend(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, bias?: tf.Tensor): Attended {
  const scaled = tf.mul(q, 1 / Math.sqrt(q.shape[3]!));
  const scores = product(scaled, k, false, true);
  const weights = tf.softmax(bias === undefined ? scores : withBias(scores, bias));
  return [scaled, k, v, weights, product(weights, v)];
}

/** As one long row per image, the bias is added in one pass and its gradient is a sum over rows. */
function withBias(scores: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  const biased = tf.add(tf.reshape(scores, [-1, bias.size]), tf.reshape(bias, [bias.size]));
  return tf.reshape(biased, scores.shape);
}

/**
 * The way back: dy, the gradient at `value` -> those at q, k and v, and where there is a bias at that.
 * By `rowsum(P o dP) = rowsum(dO o O)` (Dao et al. 2022, section 3.1): one pass over T x T less.
 */
export function attendBack(
  dy: tf.Tensor,
  [scaled, k, v, weights, value]: Attended,
  bias?: tf.Tensor,
): tf.Tensor[] {
  const dWeights = product(dy, v, false, true);
  const dScores = tf.mul(weights, tf.sub(dWeights, tf.sum(tf.mul(dy, value), 3, true)));
  const dBias =
    bias === undefined ? [] : [tf.reshape(sumRows(tf.reshape(dScores, [-1, bias.size])), bias.shape)];
  const dQ = tf.mul(product(dScores, k), 1 / Math.sqrt(scaled.shape[3]!));
  return [dQ, product(dScores, scaled, true), product(weights, dy, true), ...dBias];
}
