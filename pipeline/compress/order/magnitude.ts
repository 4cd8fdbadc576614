import { orderByScore } from './criterion.ts';
import type { Criterion } from './criterion.ts';

/**
 * L1 magnitude of everything that one index removes: the L1 norm of a unit's fc1 column plus that of its fc2 row.
 * Looks at no data. A baseline. LegoDNN's own, which sees only the layer whose outputs it removes, is `fc1-magnitude`.
 */
export const magnitude: Criterion = ({ weights: { width, hidden, fc1Kernel, fc2Kernel } }) => {
  const scores = new Float64Array(hidden);
  for (let d = 0; d < width; d++) {
    for (let j = 0; j < hidden; j++) {
      scores[j]! += Math.abs(fc1Kernel[d * hidden + j]!) + Math.abs(fc2Kernel[j * width + d]!);
    }
  }
  return orderByScore(scores);
};
