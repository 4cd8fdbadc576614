import { orderByScore } from './criterion.ts';
import type { Criterion } from './criterion.ts';

/**
 * Channel contribution (Puzzle): how much of the output a unit writes. Puzzle takes `E|h_j| ||W2_j||`; the statistics
 * hold second moments only, so this is `sqrt(E h_j^2) ||W2_j||_2`, the root mean square of the same quantity. A baseline.
 */
export const contribution: Criterion = ({
  statistics: { mean, covariance },
  weights: { width, fc2Kernel },
}) => {
  const hidden = mean.length;
  const scores = mean.map((average, j) => {
    let norm = 0;
    for (const weight of fc2Kernel.subarray(j * width, (j + 1) * width)) norm += weight * weight;
    return Math.sqrt((covariance[j * hidden + j]! + average * average) * norm);
  });
  return orderByScore(scores);
};
