/**
 * The loss of a whole student on its own stream. With s_i and t_i the student's and the teacher's residual streams after block i,
 *
 *     sum_i w_i ||s_i - t_i||^2 + v KL(teacher || student),    w_i = 1 / (tokens energy_i)
 *
 * (of models that answer with features `1 - cos` in place of KL)
 * and the gradient at the input of block i + 1 multiplied by `lookahead` before it goes on into block i. So the weights of
 * block i get the gradient of `sum_(j >= i) lookahead^(j - i) loss_j`: they answer for their own error and, fading, for what comes
 * of it. At 0 this is block-wise distillation (DNA, Li et al. 2020; LegoDNN, Han et al. 2021) on the student's inputs; at 1 all
 * losses are those of deep supervision (Lee et al. 2015). The scaling in between is ours.
 */
import * as tf from '@tensorflow/tfjs-core';
import { summedDivergence } from '../measure/divergence.ts';
import type { ModelTensors } from '../model/backbone.ts';
import { head, mixForLogits } from '../model/encoder.ts';
import type { FfnTensors } from '../model/ffn-tensors.ts';
import { finishBlock } from '../model/parts.ts';
import { passBack } from './pass-back.ts';
import type { OwnFeatures } from './teacher-features.ts';

export interface StreamLossScales {
  /** w_i by block: scalars. */
  readonly blocks: readonly tf.Tensor[];
  /** v, of the divergence summed over the images: a scalar; undefined leaves it out. */
  readonly divergence: tf.Tensor | undefined;
}

/** A scalar; differentiable with respect to `ffns`, one per block. Attention, norms and head are the teacher's. Run inside a tidy. */
export function streamLoss(
  model: ModelTensors,
  { first, after, logits }: OwnFeatures,
  ffns: readonly FfnTensors[],
  lookahead: number,
  scales: StreamLossScales,
): tf.Scalar {
  const parts: tf.Tensor[] = [];
  let mixed = first;
  let stream = first;
  for (const [block, ffn] of ffns.entries()) {
    if (block > 0) mixed = mixForLogits(model, block, passBack(stream, lookahead));
    stream = finishBlock(model, block, mixed, ffn);
    parts.push(squaredDistance(stream, after[block]!, scales.blocks[block]!));
  }
  if (scales.divergence !== undefined) {
    const divergence = summedDivergence(model.architecture, logits);
    parts.push(tf.mul(divergence(head(model, stream)), scales.divergence));
  }
  return tf.sum(tf.stack(parts));
}

/** `scale ||x - target||^2`, differentiable in x, in fewer passes than the operations it is made of have. */
function squaredDistance(x: tf.Tensor, target: tf.Tensor, scale: tf.Tensor): tf.Tensor {
  return tf.customGrad((...inputs) => {
    const [x, save] = inputs as unknown as [tf.Tensor, tf.GradSaveFunc];
    const difference = tf.sub(x, target);
    save([difference]);
    return {
      value: tf.mul(tf.sum(tf.square(difference)), scale),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(saved[0]!, tf.mul(tf.mul(dy, scale), 2)),
    };
  })(x);
}
