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
    mean.map((average, j) => (covariance[j * hidden + j]! + average * average) * activeRate[j]!),
  );
};
