import type { BlockStatistics } from '../compress/statistics.ts';
import type { Targets } from '../compress/targets.ts';
import { absoluteRidge } from '../compress/ridge.ts';
import { factorise } from '../tensor/float64/cholesky.ts';
import { matrix, transposed } from '../tensor/float64/matrix.ts';
import { solveLower, solveUpper } from '../tensor/float64/triangular.ts';

/** An affine layer, row-major. */
export interface AffineLayer {
  /** [inputs, outputs] */
  readonly kernel: Float64Array;
  /** [outputs] */
  readonly bias: Float64Array;
}

/**
 * The affine layer that comes nearest to the targets: `W = (C + r)^-1 M`, `b = mean t - mu W`, C the covariance of the inputs
 * and M that of inputs and targets.
 * @param ridge share of C's mean diagonal
 */
export function leastSquares(inputs: BlockStatistics, targets: Targets, ridge: number): AffineLayer {
  const size = inputs.mean.length;
  const outputs = targets.mean.length;
  const covariance = matrix(size, size, inputs.covariance);
  const { factor } = factorise(covariance, absoluteRidge(inputs.covariance, size, ridge));
  const solution = matrix(size, outputs, targets.shared.slice());
  solveLower(factor, solution);
  solveUpper(transposed(factor), solution);
  const bias = targets.mean.slice();
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < outputs; j++) bias[j]! -= inputs.mean[i]! * solution.data[i * outputs + j]!;
  }
  return { kernel: solution.data, bias };
}
