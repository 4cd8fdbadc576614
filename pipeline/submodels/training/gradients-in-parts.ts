import * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '../../tensor/optimizer.ts';
import { disposeBatch, type SubmodelBatch } from './training-batches.ts';

export interface LossAndGradients {
  readonly loss: tf.Scalar;
  /** By parameter. */
  readonly gradients: Tensors;
}

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
  const starts = Array.from({ length: Math.ceil(batch.count / most) }, (_, part) => part * most);
  const [first, ...others] = starts.map((from) => () => {
    const part = partOf(batch, from, Math.min(most, batch.count - from));
    const found = of(part);
    disposeBatch(part);
    return { found, share: part.count / batch.count };
  }) as [Part, ...Part[]];
  return others.reduce((sum, next) => added(sum, next()), added(undefined, first()));
}

/** The loss and gradients of a part, computed when its turn comes, and its share of the images. */
type Part = () => { readonly found: LossAndGradients; readonly share: number };

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
function added(sum: LossAndGradients | undefined, { found, share }: ReturnType<Part>): LossAndGradients {
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
