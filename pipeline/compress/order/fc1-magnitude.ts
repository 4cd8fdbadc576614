import { orderByScore } from './criterion.ts';
import type { Criterion } from './criterion.ts';

/**
 * LegoDNN's criterion, taken literally: the L1 norm of the filter that makes a channel, here a unit's fc1 column without
 * its bias (Han et al., "LegoDNN", MobiCom 2021, and its public code). Looks at no data. A baseline.
 */
export const fc1Magnitude: Criterion = ({ weights: { width, hidden, fc1Kernel } }) => {
  const scores = new Float64Array(hidden);
  for (let d = 0; d < width; d++) {
    for (let j = 0; j < hidden; j++) scores[j]! += Math.abs(fc1Kernel[d * hidden + j]!);
  }
  return orderByScore(scores);
};
