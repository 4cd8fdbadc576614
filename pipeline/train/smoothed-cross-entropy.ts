import * as tf from '@tensorflow/tfjs-core';

/**
 * Targets for classification with label smoothing: `1 - smoothing` on the label and `smoothing` spread evenly over all
 * classes (Szegedy et al. 2016, section 7). Returns [B, classes] for B labels.
 */
export function smoothedTargets(labels: Int32Array, classes: number, smoothing: number): Float32Array {
  const targets = new Float32Array(labels.length * classes).fill(smoothing / classes);
  labels.forEach((label, row) => (targets[row * classes + label]! += 1 - smoothing));
  return targets;
}

/** Mean over the batch of `-sum_c targets log softmax(logits)`. Both [B, classes] -> scalar. Differentiable; caller disposes. */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() =>
    tf.neg<tf.Scalar>(tf.div(tf.sum(tf.mul(targets, tf.logSoftmax(logits))), logits.shape[0])),
  );
}
