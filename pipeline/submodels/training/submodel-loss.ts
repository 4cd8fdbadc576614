import * as tf from '@tensorflow/tfjs-core';
import { linear } from '../../tensor/ops.ts';
import { relationLoss } from './relation-loss.ts';
import { relationNames, type RelationName } from './needs-teacher.ts';
import type { TrainingSettings } from './schema.ts';

export interface LossInputs {
  /** The sub-model's, [B, M]: of the head that learns from the teacher. */
  readonly logits: tf.Tensor;
  /** Of the head that learns from the labels, where that is another one. */
  readonly labelLogits?: tf.Tensor | undefined;
  /** The sub-model's, [B, D']. */
  readonly pooled: tf.Tensor;
  /** The teacher's restricted logits, [B, M]. */
  readonly targets: tf.Tensor;
  /** The labels, [B, M]: rows that sum to 1. */
  readonly labels: tf.Tensor;
  /** The teacher's scaled features [B, D], and what lifts the sub-model's to them: kernel [D', D] and bias [D]. */
  readonly features?:
    { readonly aim: tf.Tensor; readonly kernel: tf.Tensor; readonly bias: tf.Tensor } | undefined;
  /** Of each name with a weight: the sub-model's x [B, T, h size], and the teacher's `logRelations`. */
  readonly relations?: Readonly<Partial<Record<RelationName, RelationTerm>>> | undefined;
}

export interface RelationTerm {
  readonly x: tf.Tensor;
  readonly size: number;
  readonly aim: tf.Tensor;
}

/**
 * Mean over the batch of `logits T^2 KL(softmax(targets / T) || softmax(logits / T))` (Hinton et al. 2015), plus
 * `hard` times the cross-entropy to the teacher's likeliest output (Touvron et al. 2021, DeiT), plus
 * `features` times the share of the variance of the teacher's feature that the lifted feature misses (a narrower student
 * does not learn from features without a lift: arXiv 2511.15572), plus `labels` times the cross-entropy to the labels, plus
 * `relations` times `relationLoss` (DeViT). Differentiable; caller disposes.
 */
export function submodelLoss(
  { logits, labelLogits = logits, pooled, targets, labels, features, relations = {} }: LossInputs,
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
    if (weights.hard > 0) {
      // As integers first: wasm writes an integer's bits where it is asked for floats.
      const likeliest = tf.cast(tf.oneHot(tf.argMax(targets, 1), logits.shape[1]!), 'float32');
      parts.push(tf.mul(crossEntropy(likeliest, logits), weights.hard / images));
    }
    if (weights.features > 0 && features !== undefined) {
      const error = tf.sub(linear(pooled, features.kernel, features.bias), features.aim);
      parts.push(tf.mul(tf.sum(tf.square(error)), weights.features / features.aim.size));
    }
    if (weights.labels > 0) {
      parts.push(tf.mul(crossEntropy(labels, labelLogits), weights.labels / images));
    }
    for (const name of relationNames) {
      const term = relations[name];
      if (term === undefined || weights.relations[name] === 0) continue;
      parts.push(tf.mul(relationLoss(term.x, term.size, term.aim), weights.relations[name]));
    }
    return parts.reduce((sum, part) => tf.add(sum, part)) as tf.Scalar;
  });
}

/** Summed over the images. */
function crossEntropy(wanted: tf.Tensor, logits: tf.Tensor): tf.Tensor {
  return tf.neg(tf.sum(tf.mul(wanted, tf.logSoftmax(logits))));
}
