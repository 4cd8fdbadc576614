import { orderByScore } from './criterion.ts';
import type { Criterion } from './criterion.ts';

/** Variance-based pruning: the variance of each unit after GELU over the calibration tokens. A baseline. */
export const variance: Criterion = ({ statistics: { mean, covariance } }) => {
  const hidden = mean.length;
  return orderByScore(mean.map((_, j) => covariance[j * hidden + j]!));
};
