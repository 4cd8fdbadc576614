import * as tf from '@tensorflow/tfjs-core';

/** [N, D], each row scaled to length 1. Differentiable. Caller disposes. */
export function unitRows(x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.mul(x, tf.rsqrt(tf.add(tf.sum(tf.square(x), 1, true), 1e-12))));
}
