import * as tf from '@tensorflow/tfjs-core';
import { product } from '../../tensor/ops.ts';

/**
 * The relations among an image's tokens: the logarithm of `softmax(x x^T / sqrt(size))`, [B, T, T], of queries, keys or values x
 * [B, T, h size], the heads side by side (DeViT, Xu et al. 2024, section 4.2). It is as wide as there are tokens, whatever x is. Not
 * differentiable; caller disposes.
 */
export function logRelations(x: tf.Tensor, size: number): tf.Tensor {
  return tf.tidy(() => {
    const scaled = tf.mul(x, size ** -0.25);
    return tf.logSoftmax(product(scaled, scaled, false, true));
  });
}

/**
 * `KL(teacher || sub-model)` of the relations of every token, the mean over images and tokens: `aim` is the teacher's `logRelations`
 * [B, T, T], x the sub-model's queries, keys or values [B, T, h size]. The published code sums over tokens and divides by the number of
 * layers instead, though one layer is compared. Differentiable in x; caller disposes.
 *
 * With Q the sub-model's relations and P the teacher's, the gradient at the scores is `Q - P`, and with y the scaled x, of which both
 * factors of the scores are made, at y `(Q - P) y + (Q - P)^T y`.
 */
export function relationLoss(x: tf.Tensor, size: number, aim: tf.Tensor): tf.Scalar {
  const rows = aim.shape[0] * aim.shape[1]!;
  const divergence = tf.customGrad((...inputs) => {
    const [y, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc];
    const found = tf.logSoftmax(product(y, y, false, true));
    const wanted = tf.exp(aim);
    const value = tf.div(tf.sum(tf.mul(wanted, tf.sub(aim, found))), rows);
    save([y, tf.div(tf.sub(tf.exp(found), wanted), rows)]);
    return {
      value,
      gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
        const [y, slope] = saved as [tf.Tensor, tf.Tensor];
        return tf.mul(tf.add(product(slope, y), product(slope, y, true)), dy);
      },
    };
  });
  return tf.tidy(() => divergence(tf.mul(x, size ** -0.25)) as tf.Scalar);
}
