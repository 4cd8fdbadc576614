import * as tf from '@tensorflow/tfjs-core';
import { attend, attendBack, type Attended } from './attention-steps.ts';

/**
 * Multi-head scaled dot-product attention, `softmax(q k' / sqrt(d)) v`.
 * q: [B, h, Tq, d]; k, v: [B, h, T, d] -> [B, h, Tq, d]. Differentiable; caller disposes.
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
  const attended = attend(q, k, v);
  save([...attended]);
  return {
    value: attended[4],
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => attendBack(dy, saved as unknown as Attended),
  };
});
