import { orderByScore } from './criterion.ts';
import type { Criterion } from './criterion.ts';
import { symmetricEigen } from './symmetric-eigen.ts';

/** Share of the denoised variance in the score; the rest is the raw one. The source's own share is not known to us. */
const DENOISED_SHARE = 0.5;

/**
 * Denoised variance (DVBP, arXiv 2608.17657, as far as its summary says): the variance that a unit has in the directions
 * whose eigenvalues exceed what noise alone would give, mixed with its raw variance. A baseline. 9 H^3 operations.
 */
export const denoisedVariance: Criterion = ({ statistics: { count, mean, covariance } }) => {
  const hidden = mean.length;
  const { values, vectors } = symmetricEigen(covariance, hidden);
  const edge = noiseEdge(values, count);
  const scores = mean.map((_, j) => (1 - DENOISED_SHARE) * covariance[j * hidden + j]);
  for (let i = 0; i < hidden; i++) {
    if (values[i] <= edge) continue;
    const scale = DENOISED_SHARE * values[i];
    for (let j = 0; j < hidden; j++) scores[j] += scale * vectors[i * hidden + j] ** 2;
  }
  return orderByScore(scores);
};

/**
 * The largest eigenvalue that pure noise has in a covariance of H units over `count` samples: `s^2 (1 + sqrt(H / n))^2`
 * (Marchenko and Pastur, 1967). The noise's variance s^2 is the mean eigenvalue: all variance counts as noise that is
 * spread evenly, the usual first step of eigenvalue clipping (Laloux et al., 1999).
 */
export function noiseEdge(values: Float64Array, count: number): number {
  if (count < 1) return 0;
  let sum = 0;
  for (const value of values) sum += value;
  return (sum / values.length) * (1 + Math.sqrt(values.length / count)) ** 2;
}
