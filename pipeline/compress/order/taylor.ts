import { orderByScore } from './criterion.ts';
import type { Criterion } from './criterion.ts';

/**
 * First-order Taylor expansion of the model's own loss: `E |g_j h_j|`, g the gradient at the unit (Molchanov et al.,
 * "Importance Estimation for Neural Network Pruning", CVPR 2019, with gates at the hidden units; per token). A baseline.
 */
export const taylor: Criterion = ({ statistics: { mean }, saliency }) => {
  if (saliency?.length !== mean.length)
    throw new RangeError(`taylor needs the saliency of ${mean.length} units`);
  return orderByScore(saliency);
};
