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

export interface RssSample {
  readonly startBytes: number;
  readonly peakBytes: number;
  readonly endBytes: number;
}

/** Watches the resident memory of this process until `stop`; the timer never keeps the process alive. */
export function sampleRss(intervalMs = 500): { stop(): RssSample } {
  const startBytes = process.memoryUsage.rss();
  let peakBytes = startBytes;
  const look = (): number => {
    const now = process.memoryUsage.rss();
    peakBytes = Math.max(peakBytes, now);
    return now;
  };
  const timer = setInterval(look, intervalMs).unref();
  return {
    stop() {
      clearInterval(timer);
      const endBytes = look();
      return { startBytes, peakBytes, endBytes };
    },
  };
}
