/** Mean and centred covariance of one block's hidden units over the calibration tokens: all that order and refit need. */
export interface BlockStatistics {
  /** Tokens. */
  readonly count: number;
  /** mu [H] */
  readonly mean: Float64Array;
  /** C [H, H], divided by `count` (not count - 1), both triangles. */
  readonly covariance: Float64Array;
}

/**
 * The statistics of both token sets together, by the pairwise update of Chan, Golub and LeVeque (1979):
 * `C = a C_a + b C_b + a b d d'` with shares a, b and d the difference of the means.
 */
export function mergeStatistics(first: BlockStatistics, second: BlockStatistics): BlockStatistics {
  const hidden = first.mean.length;
  if (second.mean.length !== hidden) {
    throw new RangeError(`statistics of ${hidden} and of ${second.mean.length} hidden units do not merge`);
  }
  if (second.count === 0) return first;
  if (first.count === 0) return second;
  const count = first.count + second.count;
  const a = first.count / count;
  const b = second.count / count;
  const difference = second.mean.map((value, j) => value - first.mean[j]);
  const mean = first.mean.map((value, j) => value + b * difference[j]);
  const covariance = new Float64Array(hidden * hidden);
  for (let i = 0; i < hidden; i++) {
    const shift = a * b * difference[i];
    for (let j = 0, at = i * hidden; j < hidden; j++, at++) {
      covariance[at] = a * first.covariance[at] + b * second.covariance[at] + shift * difference[j];
    }
  }
  return { count, mean, covariance };
}
