import * as tf from '@tensorflow/tfjs-core';
import { product, sumRows } from './ops.ts';

/**
 * Multi-head scaled dot-product attention with a bias on the scores, `softmax(q k' / sqrt(d) + bias) v`.
 * q: [B, h, P, d]; k, v: [B, h, T, d]; bias: [1, h, P, T] -> [B, h, P, d]. Differentiable; caller disposes. The gradient as that of
 * `attention`.
 */
export function biasedAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  return tf.customGrad((...inputs) => {
    const [q, k, v, bias, save] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const scale = 1 / Math.sqrt(q.shape[3]!);
    const scaled = tf.mul(q, scale);
    const scores = product(scaled, k, false, true);
    // As one long row per image, the bias is added in one pass and its gradient is a sum over rows.
    const biased = tf.add(tf.reshape(scores, [-1, bias.size]), tf.reshape(bias, [bias.size]));
    const weights = tf.softmax(tf.reshape(biased, scores.shape));
    const value = product(weights, v);
    save([scaled, k, v, weights, value]);
    return {
      value,
      gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
        const [scaled, k, v, weights, value] = saved as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
        const dWeights = product(dy, v, false, true);
        const dScores = tf.mul(weights, tf.sub(dWeights, tf.sum(tf.mul(dy, value), 3, true)));
        const dBias = tf.reshape(sumRows(tf.reshape(dScores, [-1, bias.size])), bias.shape);
        const dQ = tf.mul(product(dScores, k), scale);
        return [dQ, product(dScores, scaled, true), product(weights, dy, true), dBias];
      },
    };
  })(q, k, v, bias);
}
