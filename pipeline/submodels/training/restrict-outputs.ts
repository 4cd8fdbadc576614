import * as tf from '@tensorflow/tfjs-core';
import type { ClassSubset } from './training-task.ts';

/**
 * `restrictLogits` on the engine: logits [B, K], K the data's classes, -> [B, outputs] of a subset. Differentiable, in the logits of the
 * other classes too; caller disposes.
 */
export function restrictOutputs(logits: tf.Tensor, { classes, other }: ClassSubset): tf.Tensor2D {
  const count = logits.shape[1]!;
  const own = new Set(classes);
  const others = Array.from({ length: count }, (_, label) => label).filter((label) => !own.has(label));
  return tf.tidy(() => {
    const ordered = inOrder(logits, [...classes, ...others]);
    const first = tf.slice(ordered, [0, 0], [-1, classes.length]) as tf.Tensor2D;
    if (!other) return first;
    return tf.concat([first, tf.logSumExp(tf.slice(ordered, [0, classes.length], [-1, -1]), 1, true)], 1);
  });
}

/** The columns of x [B, K] in an order that has each of them once. The way back is another order: a sum of rows is slow, and lacks on wasm. */
function inOrder(x: tf.Tensor, order: readonly number[]): tf.Tensor {
  const back = new Array<number>(order.length);
  order.forEach((from, to) => (back[from] = to));
  return tf.customGrad((...inputs) => {
    const [x] = inputs as unknown as [tf.Tensor];
    return { value: columns(x, order), gradFunc: (dy: tf.Tensor) => columns(dy, back) };
  })(x);
}

function columns(x: tf.Tensor, order: readonly number[]): tf.Tensor {
  const indices = tf.tensor2d(Int32Array.from(order), [order.length, 1], 'int32');
  return tf.transpose(tf.gatherND(tf.transpose(x), indices));
}
