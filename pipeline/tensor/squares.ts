import * as tf from '@tensorflow/tfjs-core';

/**
 * Each square of two by two tokens side by side: upper left, lower left, upper right, lower right.
 * x [B, side^2, C] -> [B, side^2 / 4, 4 C]
 */
export function squares(x: tf.Tensor, side: number): tf.Tensor {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const half = side / 2;
  return tf.tidy(() => {
    const rows = tf.reshape(x, [batch * half, 2, half, 2 * width]);
    const each = tf.reshape(tf.transpose(rows, [0, 2, 1, 3]), [-1, 2, 2, width]);
    return tf.reshape(tf.transpose(each, [0, 2, 1, 3]), [batch, tokens / 4, 4 * width]);
  });
}
