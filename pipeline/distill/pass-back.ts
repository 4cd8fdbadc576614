import * as tf from '@tensorflow/tfjs-core';

/**
 * The same x; the gradient that comes back is multiplied by `share` in [0, 1]. At 0 the result hangs on nothing: what would have
 * carried gradients to x is never computed. Caller disposes.
 */
export function passBack(x: tf.Tensor, share: number): tf.Tensor {
  if (share === 1) return tf.clone(x);
  if (share === 0) return tf.customGrad(() => ({ value: tf.clone(x), gradFunc: () => [] }))();
  return tf.customGrad((x) => ({
    value: tf.clone(x as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => tf.mul(dy, share),
  }))(x);
}
