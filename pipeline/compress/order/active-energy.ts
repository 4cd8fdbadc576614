import * as tf from '@tensorflow/tfjs-core';
import { orderByScore } from './criterion.ts';
import type { Criterion } from './criterion.ts';

/**
 * CORP's default ranking: the energy of a unit times the share of tokens on which it is active, `E[h^2] P(|h| > e)`
 * (Zhang and Yang, "CORP", arXiv 2602.05243; the threshold is that of its public code, see `createActiveRate`).
 */
export const activeEnergy: Criterion = ({ statistics: { mean, covariance }, activeRate }) => {
  const hidden = mean.length;
  if (activeRate?.length !== hidden)
    throw new RangeError(`active-energy needs the active rate of ${hidden} units`);
  return orderByScore(
    mean.map((average, j) => (covariance[j * hidden + j] + average * average) * activeRate[j]),
  );
};

export interface ActiveRate {
  /** Adds the activations h [T, H] of T tokens. Disposes nothing, keeps nothing. */
  add(h: tf.Tensor2D): void;
  /** [H]: the share of the tokens so far on which a unit was active; zeros without tokens. */
  finish(): Float64Array;
}

/** A unit is active where |h| exceeds this share of the layer's root mean square. */
const THRESHOLD = 0.01;

/** Counts active tokens. The layer's root mean square is that of the first batch: one number over all of its units. */
export function createActiveRate(hidden: number): ActiveRate {
  const active = new Float64Array(hidden);
  let tokens = 0;
  let threshold: number | undefined;
  return {
    add(h) {
      if (h.shape[1] !== hidden)
        throw new RangeError(`activations of ${h.shape[1]} hidden units, expected ${hidden}`);
      if (h.shape[0] === 0) return;
      tf.tidy(() => {
        threshold ??= THRESHOLD * Math.sqrt(tf.mean(tf.square(h)).dataSync()[0]);
        const counts = tf.sum(tf.cast(tf.greater(tf.abs(h), threshold), 'float32'), 0).dataSync();
        for (let j = 0; j < hidden; j++) active[j] += counts[j];
      });
      tokens += h.shape[0];
    },
    finish: () => active.map((count) => (tokens === 0 ? 0 : count / tokens)),
  };
}
