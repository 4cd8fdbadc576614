import { orderByScore } from './criterion.ts';
import type { Criterion } from './criterion.ts';

/**
 * LegoDNN's L1 magnitude, carried from filters to an FFN with one index set: the L1 norm of a unit's fc1 column plus
 * that of its fc2 row (Han et al., "LegoDNN", MobiCom 2021). Looks at no data. A baseline.
 */
export const magnitude: Criterion = ({ weights: { width, hidden, fc1Kernel, fc2Kernel } }) => {
  const scores = new Float64Array(hidden);
  for (let d = 0; d < width; d++) {
    for (let j = 0; j < hidden; j++) {
      scores[j] += Math.abs(fc1Kernel[d * hidden + j]) + Math.abs(fc2Kernel[j * width + d]);
    }
  }
  return orderByScore(scores);
};
