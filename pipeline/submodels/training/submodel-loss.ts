import * as tf from '@tensorflow/tfjs-core';
import { linear } from '../../tensor/ops.ts';
import type { TrainingSettings } from './schema.ts';

export interface LossInputs {
  /** The sub-model's, [B, M]. */
  readonly logits: tf.Tensor;
  /** The sub-model's, [B, D']. */
  readonly pooled: tf.Tensor;
  /** The teacher's restricted logits, [B, M]. */
  readonly targets: tf.Tensor;
  /** The labels as ones among zeros, [B, M]. */
  readonly labels: tf.Tensor;
  /** The teacher's scaled features [B, D], and what lifts the sub-model's to them: kernel [D', D] and bias [D]. */
  readonly features?:
    { readonly aim: tf.Tensor; readonly kernel: tf.Tensor; readonly bias: tf.Tensor } | undefined;
}

/**
 * Mean over the batch of `logits T^2 KL(softmax(targets / T) || softmax(logits / T))` (Hinton et al. 2015), plus
 * `features` times the share of the variance of the teacher's feature that the lifted feature misses (a narrower student
 * does not learn from features without a lift: arXiv 2511.15572), plus `labels` times the cross-entropy.
 * Differentiable; caller disposes.
 */
export function submodelLoss(
  { logits, pooled, targets, labels, features }: LossInputs,
  { temperature, weights }: Pick<TrainingSettings, 'temperature' | 'weights'>,
): tf.Scalar {
  return tf.tidy(() => {
    const images = logits.shape[0];
    const parts: tf.Tensor[] = [];
    if (weights.logits > 0) {
      const certain = tf.logSoftmax(tf.div(targets, temperature));
      const found = tf.logSoftmax(tf.div(logits, temperature));
      const divergence = tf.sum(tf.mul(tf.exp(certain), tf.sub(certain, found)));
      parts.push(tf.mul(divergence, (weights.logits * temperature ** 2) / images));
    }
    if (weights.features > 0 && features !== undefined) {
      const error = tf.sub(linear(pooled, features.kernel, features.bias), features.aim);
      parts.push(tf.mul(tf.sum(tf.square(error)), weights.features / features.aim.size));
    }
    if (weights.labels > 0) {
      const likelihood = tf.sum(tf.mul(labels, tf.logSoftmax(logits)));
      parts.push(tf.mul(likelihood, -weights.labels / images));
    }
    return parts.reduce((sum, part) => tf.add(sum, part)) as tf.Scalar;
  });
}
