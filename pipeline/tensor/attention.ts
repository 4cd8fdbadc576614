import * as tf from '@tensorflow/tfjs-core';
import { product } from './ops.ts';

/**
 * Multi-head scaled dot-product attention, `softmax(q k' / sqrt(d)) v`.
 * q: [B, h, Tq, d]; k, v: [B, h, T, d] -> [B, h, Tq, d]. Differentiable; caller disposes.
 * The gradient uses `rowsum(P o dP) = rowsum(dO o O)` (Dao et al. 2022, section 3.1): one pass over T x T less.
 * Images whose scores are more than `mostScores` numbers take turns.
 */
export function attention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, mostScores = largestScores): tf.Tensor {
  const batch = q.shape[0];
  const atOnce = Math.max(1, Math.floor((mostScores * batch) / ((q.size / q.shape[3]!) * k.shape[2]!)));
  if (atOnce >= batch) return scaledDotProduct(q, k, v);
  return tf.tidy(() => {
    const sizes = Array.from({ length: Math.ceil(batch / atOnce) }, (_, part) =>
      Math.min(atOnce, batch - part * atOnce),
    );
    const [queries, keys, values] = [q, k, v].map((x) => tf.split(x, sizes, 0)) as [
      tf.Tensor[],
      tf.Tensor[],
      tf.Tensor[],
    ];
    return tf.concat(queries.map((query, part) => scaledDotProduct(query, keys[part]!, values[part]!), 0));
  });
}

/** 1 GiB: `webgpu` binds 2 at the most, which the scores of 1,370 tokens (518 pixels, patches of 14) fill with 24 images. */
const largestScores = 2 ** 28;

const scaledDotProduct = tf.customGrad((...inputs) => {
  const [q, k, v, save] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
  const scale = 1 / Math.sqrt(q.shape[3] as number);
  const scaled = tf.mul(q, scale);
  const weights = tf.softmax(product(scaled, k, false, true));
  const value = product(weights, v);
  save([scaled, k, v, weights, value]);
  return {
    value,
    gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
      const [scaled, k, v, weights, value] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const dWeights = product(dy, v, false, true);
      const dScores = tf.mul(weights, tf.sub(dWeights, tf.sum(tf.mul(dy, value), 3, true)));
      const dQ = tf.mul(product(dScores, k), scale);
      return [dQ, product(dScores, scaled, true), product(weights, dy, true)];
    },
  };
});
