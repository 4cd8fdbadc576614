import * as tf from '@tensorflow/tfjs-core';

/** Whether TensorFlow.js takes gradients at the moment. */
export function isDifferentiating(): boolean {
  return tf.engine().state.gradientDepth > 0;
}
