import * as tf from '@tensorflow/tfjs-core';
import { linear } from '../../tensor/ops.ts';
import type { Tensors } from '../../tensor/optimizer.ts';
import { crossEntropy } from '../../train/train-step.ts';
import type { TokenWeights } from './schema.ts';

/** What the mapped token and the logits are held against; B images. */
export interface TokenAims {
  /** [B, W]: the teacher's. */
  readonly tokens: tf.Tensor;
  /** [B, K] shares of the classes: ones among zeros, or of mixed images. */
  readonly labels: tf.Tensor;
  /** [B, K]: one at the teacher's best class. */
  readonly hard: tf.Tensor;
}

/** What a loss bakes in. */
export interface TokenRules {
  readonly weights: TokenWeights;
  /** Mean variance of the teacher's tokens. */
  readonly variance: number;
}

/** x [B, F] standardised -> the token [B, W] and logits [B, K] of `kernel-0`, `bias-0`, `kernel-1`, `bias-1`. */
export function mappedTokens(x: tf.Tensor, parameters: Tensors): { token: tf.Tensor; logits: tf.Tensor2D } {
  const token = linear(x, parameters['kernel-0']!, parameters['bias-0']);
  return { token, logits: linear(token, parameters['kernel-1']!, parameters['bias-1']) as tf.Tensor2D };
}

/**
 * The mean over the batch of `tokens |t - t*|^2 / (W variance) + labels CE(labels) + hard CE(teacher's best)` (DeViT, IEEE TMC
 * 2024, model ensemble). Published is the plain mean square, of both tokens of a distilled teacher summed; divided by
 * the variance it weighs the same whatever the teacher's scale, and is the published one where that is 1. Differentiable.
 */
export function tokenLoss(
  x: tf.Tensor,
  { tokens, labels, hard }: TokenAims,
  parameters: Tensors,
  { weights, variance }: TokenRules,
): tf.Scalar {
  return tf.tidy(() => {
    const { token, logits } = mappedTokens(x, parameters);
    // One cross-entropy of the weighted sum: it is linear in what it is held against.
    const certain = tf.add<tf.Tensor2D>(tf.mul(labels, weights.labels), tf.mul(hard, weights.hard));
    const missed = tf.mul(tf.mean(tf.square(tf.sub(token, tokens))), weights.tokens / variance);
    return tf.add<tf.Scalar>(missed, crossEntropy(logits, certain));
  });
}
