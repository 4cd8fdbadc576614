import type { BlockStatistics } from './statistics.ts';

/** What is added to a covariance's diagonal: a share of its mean, or a rule that finds it for every kept set. */
export type Ridge = number | 'oracle-shrinkage';

/** The config's share of the mean diagonal, as a variance: order and refit must mean the same ridge. */
export function absoluteRidge(covariance: Float64Array, hidden: number, share: number): number {
  let trace = 0;
  for (let j = 0; j < hidden; j++) trace += covariance[j * hidden + j]!;
  return (share * trace) / hidden;
}

/** CORP's smallest ridge, in units of variance. */
const SMALLEST = 1e-3;

/**
 * The ridge of CORP's public code, as a variance: `max(1e-3, rho tr(S) / p)` for the covariance S of the p kept units, rho
 * the intensity of oracle approximating shrinkage (Chen, Wiesel, Eldar and Hero, IEEE TSP 58, 2010, equation 23):
 * `rho = min(1, ((1 - 2/p) tr(S^2) + tr(S)^2) / ((n + 1 - 2/p) (tr(S^2) - tr(S)^2 / p)))` for n samples.
 */
export function oracleShrinkage(
  { count, mean, covariance }: BlockStatistics,
  kept: ArrayLike<number>,
): number {
  const hidden = mean.length;
  const p = kept.length;
  let trace = 0;
  let square = 0;
  for (let i = 0; i < p; i++) {
    const row = kept[i]! * hidden;
    trace += covariance[row + kept[i]!]!;
    for (let j = 0; j < p; j++) square += covariance[row + kept[j]!]! ** 2;
  }
  const spread = square - trace ** 2 / p;
  // Equal variances and no covariances: there is nothing to lose by shrinking all the way.
  const rho =
    spread > 0 ? Math.min(1, ((1 - 2 / p) * square + trace ** 2) / ((count + 1 - 2 / p) * spread)) : 1;
  return Math.max(SMALLEST, (rho * trace) / p);
}
