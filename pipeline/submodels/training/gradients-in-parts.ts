import * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '../../tensor/optimizer.ts';
import type { LossAndGradients } from './submodel-step.ts';
import { disposeBatch, type SubmodelBatch } from './training-batches.ts';

/**
 * The mean loss and gradient over a batch, `most` images at a time: as each is a mean over images, parts count by theirs. The same but for
 * rounding as of the whole batch, with the activations of one part in memory. Caller disposes.
 */
export function gradientsInParts(
  batch: SubmodelBatch,
  most: number,
  of: (part: SubmodelBatch) => LossAndGradients,
): LossAndGradients {
  if (most >= batch.count) return of(batch);
  let sum: LossAndGradients | undefined;
  for (let from = 0; from < batch.count; from += most) {
    const count = Math.min(most, batch.count - from);
    const part = partOf(batch, from, count);
    const found = of(part);
    disposeBatch(part);
    sum = added(sum, found, count / batch.count);
  }
  return sum!;
}

function partOf(
  { pixels, targets, labels, features, relations }: SubmodelBatch,
  from: number,
  count: number,
): SubmodelBatch {
  const rows = <T extends tf.Tensor>(x: T): T =>
    tf.slice(x, [from, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);
  return {
    count,
    pixels: rows(pixels),
    targets: rows(targets),
    labels: rows(labels),
    features: features && rows(features),
    relations: relations.map(rows),
  };
}

/** `sum + share found`; takes over both. */
function added(sum: LossAndGradients | undefined, found: LossAndGradients, share: number): LossAndGradients {
  const add = <T extends tf.Tensor>(before: T | undefined, value: T): T => {
    const after = tf.tidy(() => {
      const scaled = tf.mul<T>(value, share);
      return before === undefined ? scaled : tf.add<T>(before, scaled);
    });
    tf.dispose(before === undefined ? [value] : [before, value]);
    return after;
  };
  const gradients = Object.entries(found.gradients).map(([name, gradient]) => [
    name,
    add(sum?.gradients[name], gradient),
  ]);
  return { loss: add(sum?.loss, found.loss), gradients: Object.fromEntries(gradients) as Tensors };
}
