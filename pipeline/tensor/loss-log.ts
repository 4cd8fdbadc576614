import * as tf from '@tensorflow/tfjs-core';
import { fail } from '../util/failure.ts';

/** Steps after which the losses are to be read: a NaN is noticed soon, and reading costs nothing to speak of. */
const stepsPerReadback = 32;

/** Losses that wait on the engine: reading each one at once would make a GPU stall after every step. */
export interface LossLog {
  /** Takes over the scalars of one step: one, or one per descendant. */
  push(losses: readonly tf.Scalar[]): void;
  readonly steps: number;
  /** So many steps wait that they should be drained. */
  readonly isFull: boolean;
  /** Reads what waits, step by step, and empties the log. The first loss that is not finite goes to `onBad`, with its place. */
  drain(onBad: (loss: number, place: number) => never): Float32Array;
  dispose(): void;
}

export function createLossLog(): LossLog {
  let waiting: tf.Scalar[] = [];
  let steps = 0;
  const dispose = (): void => {
    tf.dispose(waiting);
    waiting = [];
    steps = 0;
  };
  return {
    push(losses) {
      waiting.push(...losses);
      steps++;
    },
    get steps() {
      return steps;
    },
    get isFull() {
      return steps >= stepsPerReadback;
    },
    drain(onBad) {
      if (waiting.length === 0) return new Float32Array(0);
      const stacked = tf.stack(waiting);
      const values = stacked.dataSync<'float32'>();
      stacked.dispose();
      dispose();
      const bad = values.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) onBad(values[bad]!, bad);
      return values;
    },
    dispose,
  };
}

/** Ends a training of `subject` in words. */
export function failNotFinite(subject: string, found: string, next: string): never {
  return fail({ reason: 'not-finite', subject, found, expected: 'finite numbers', next });
}
