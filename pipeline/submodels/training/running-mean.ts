import * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '../../tensor/optimizer.ts';
import { recorded } from '../../tensor/recorded/recorded.ts';

/**
 * `mean + (1 - d) (weights - mean)` of every weight in `mean`, which is taken over; the result is the caller's. The first
 * steps forget faster, `d = min(decay, (1 + step) / (10 + step))`, or the start would weigh on a short training.
 */
export function moveMean(mean: Tensors, weights: Tensors, decay: number, step: number): Tensors {
  const names = Object.keys(mean);
  const share = tf.scalar(1 - Math.min(decay, (1 + step) / (10 + step)));
  const old = names.map((name) => mean[name]!);
  const next = recorded(
    'running mean',
    [share, ...old, ...names.map((name) => weights[name]!)],
    ([share, ...tensors]) =>
      names.map((_, index) => {
        const before = tensors[index]!;
        return tf.add(before, tf.mul(share, tf.sub(tensors[names.length + index]!, before)));
      }),
  );
  tf.dispose([share, ...old]);
  return Object.fromEntries(names.map((name, index) => [name, next[index]!]));
}
