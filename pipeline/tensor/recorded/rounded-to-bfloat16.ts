import * as tf from '@tensorflow/tfjs-core';

/** 2^16 + 1: leaves 8 of float32's 24 digits (Veltkamp 1968; Dekker 1971, section 4). */
const splitter = 65_537;

/**
 * Each value's nearest bfloat16, as float32. For what is below 2^111. Passes gradients on as they are; caller disposes.
 */
export function roundedToBfloat16(x: tf.Tensor): tf.Tensor {
  return rounded(x);
}

const rounded = tf.customGrad((x) => ({
  value: tf.tidy(() => {
    const scaled = tf.mul(x as tf.Tensor, splitter);
    return tf.sub(scaled, tf.sub(scaled, x as tf.Tensor));
  }),
  // Not the same tensor: TensorFlow.js disposes of gradients one by one.
  gradFunc: (dy: tf.Tensor) => tf.reshape(dy, dy.shape),
}));
