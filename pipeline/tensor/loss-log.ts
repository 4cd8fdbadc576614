import * as tf from '@tensorflow/tfjs-core';

/** Losses that wait on the engine: reading each one at once would make a GPU stall after every step. */
export interface LossLog {
  /** Takes over the scalars of one step: one, or one per descendant. */
  push(losses: readonly tf.Scalar[]): void;
  readonly steps: number;
  /** Reads what waits, step by step, and empties the log. */
  drain(): Float32Array;
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
    drain() {
      if (waiting.length === 0) return new Float32Array(0);
      const stacked = tf.stack(waiting);
      const values = stacked.dataSync<'float32'>();
      stacked.dispose();
      dispose();
      return values;
    },
    dispose,
  };
}
