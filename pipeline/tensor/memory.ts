import * as tf from '@tensorflow/tfjs-core';

/**
 * A guard for loops: the first call remembers how many tensors live, later calls throw an Error (a leak is a bug)
 * when the number has grown. Call it at the same point of every round.
 */
export function assertFlat(subject: string): () => void {
  let first: number | undefined;
  return () => {
    const now = tf.memory().numTensors;
    first ??= now;
    if (now > first) {
      throw new Error(`${subject} leaks tensors: ${now} live, ${first} did when the loop began`);
    }
  };
}
