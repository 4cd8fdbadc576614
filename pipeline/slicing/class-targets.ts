import * as tf from '@tensorflow/tfjs-core';

/** Of the teacher's logits [B, K]: those of the classes and, with `other`, the log-sum-exp of all the rest. */
export function classTargets(logits: tf.Tensor, classes: readonly number[], other: boolean): tf.Tensor {
  return tf.tidy(() => {
    const own = tf.gather(logits, [...classes], 1);
    if (!other) return own;
    const known = new Set(classes);
    const rest = Array.from({ length: logits.shape[1]! }, (_, index) => index).filter(
      (one) => !known.has(one),
    );
    return tf.concat([own, tf.logSumExp(tf.gather(logits, rest, 1), 1, true)], 1);
  });
}
