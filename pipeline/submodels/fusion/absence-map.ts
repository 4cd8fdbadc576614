import { factorise } from '../../tensor/float64/cholesky.ts';
import { block, copyOf, matrix, transposed } from '../../tensor/float64/matrix.ts';
import { solveLower, solveUpper } from '../../tensor/float64/triangular.ts';
import { placesOf } from './places.ts';

/**
 * [F, F] row-major A: in `z A` the features of every sub-model are what all others make of them, each imputed as if it alone
 * were absent. As `f_J = -P_JJ^-1 P_JS f_S = f_J - P_JJ^-1 (P f)_J`, that is `A = I - P blockdiag(P_JJ^-1)`.
 * @param precision P [F, F]
 */
export function absenceMap(precision: Float32Array, widths: readonly number[]): Float32Array {
  const width = Math.sqrt(precision.length);
  const all = matrix(width, width, Float64Array.from(precision));
  const result = new Float32Array(width * width);
  for (const [start, end] of placesOf(widths)) {
    const own = end - start;
    const { factor } = factorise(block(all, start, start, own, own), 0);
    const columns = copyOf(block(all, 0, start, width, own));
    solveLower(factor, transposed(columns));
    solveUpper(transposed(factor), transposed(columns));
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < own; j++) {
        const isOwn = i >= start && i < end;
        // Exactly zero, where rounding would leave something: a sub-model's own features are absent.
        result[i * width + start + j] = isOwn ? 0 : -columns.data[i * own + j]!;
      }
    }
  }
  return result;
}
