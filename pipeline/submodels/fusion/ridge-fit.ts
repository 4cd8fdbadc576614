import { factorise } from '../../tensor/float64/cholesky.ts';
import { copyOf, transposed, type Matrix } from '../../tensor/float64/matrix.ts';
import { invertFactored } from '../../tensor/float64/inverse.ts';
import { solveLower, solveUpper } from '../../tensor/float64/triangular.ts';
import type { FeatureMoments } from './feature-moments.ts';

/** `(C + ridge I)^-1 B` [F, M]: what standardised features are multiplied by; `targetMean` is the intercept. */
export function ridgeFit(
  { covariance, cross }: Pick<FeatureMoments, 'covariance' | 'cross'>,
  ridge: number,
): Matrix {
  const { factor } = factorise(covariance, ridge);
  const kernel = copyOf(cross);
  solveLower(factor, kernel);
  solveUpper(transposed(factor), kernel);
  return kernel;
}

/** `(C + ridge I)^-1` [F, F], rounded to float32. */
export function precisionOf({ covariance }: Pick<FeatureMoments, 'covariance'>, ridge: number): Float32Array {
  const { factor } = factorise(covariance, ridge);
  invertFactored(factor);
  return Float32Array.from(factor.data);
}
