import { factorise } from '../../tensor/float64/cholesky.ts';
import { matrix, transposed, type Matrix } from '../../tensor/float64/matrix.ts';
import { addProduct } from '../../tensor/float64/product.ts';
import { solveLower, solveUpper } from '../../tensor/float64/triangular.ts';
import type { FusionHead } from './fusion-head.ts';
import { indicesOf } from './places.ts';

/** What it takes to fill in one pattern of absent sub-models. */
export interface Imputation {
  /** Places of the absent features, J. */
  readonly absent: Int32Array;
  /** Cholesky factor of P_JJ [|J|, |J|]. */
  readonly factor: Matrix;
}

/** Patterns that are remembered of one head; fleets that flap would fill the memory. */
const mostPatterns = 32;

const known = new WeakMap<object, Map<string, Imputation>>();

/**
 * For a head's features f with precision `P = (C + ridge I)^-1` the best linear guess at those of absent sub-models J from those
 * present S is `f_J = -P_JJ^-1 P_JS f_S` (standardised; the mean of a normal distribution given S). A ridge head of the same
 * ridge then answers what the ridge head fitted without J would. Kept by pattern.
 * @param which sub-models that are absent, ascending
 */
export function imputationOf(
  head: Pick<FusionHead, 'precision' | 'widths'>,
  which: readonly number[],
): Imputation {
  const patterns = known.get(head.precision) ?? new Map<string, Imputation>();
  known.set(head.precision, patterns);
  const key = which.join();
  let found = patterns.get(key);
  if (found === undefined) {
    const absent = indicesOf(head.widths, which);
    const { factor } = factorise(gathered(head.precision, absent, absent), 0);
    found = { absent, factor };
    const [oldest] = patterns.keys();
    if (oldest !== undefined && patterns.size >= mostPatterns) patterns.delete(oldest);
  } else patterns.delete(key);
  patterns.set(key, found);
  return found;
}

/** Fills in the absent columns of `rows` [n, F], which hold zeros. */
export function impute(precision: Float32Array, { absent, factor }: Imputation, rows: Matrix): void {
  const width = rows.columns;
  const all = Int32Array.from({ length: width }, (_, i) => i);
  const guesses = matrix(rows.rows, absent.length);
  // The absent columns are zero, so that P_JS f_S is P_J f.
  addProduct(guesses, -1, rows, gathered(precision, all, absent));
  solveLower(factor, transposed(guesses));
  solveUpper(transposed(factor), transposed(guesses));
  for (let row = 0; row < rows.rows; row++) {
    for (let j = 0; j < absent.length; j++) {
      rows.data[row * width + absent[j]!] = guesses.data[row * absent.length + j]!;
    }
  }
}

/** The same for one image, without matrices. @param row [F], zeros at the absent features */
export function imputeOne(precision: Float32Array, { absent, factor }: Imputation, row: Float64Array): void {
  const width = row.length;
  const count = absent.length;
  const guess = new Float64Array(count);
  for (let i = 0; i < width; i++) {
    const value = row[i]!;
    if (value === 0) continue;
    for (let j = 0; j < count; j++) guess[j]! -= value * precision[i * width + absent[j]!]!;
  }
  const { data } = factor;
  for (let j = 0; j < count; j++) {
    let sum = guess[j]!;
    for (let k = 0; k < j; k++) sum -= data[j * count + k]! * guess[k]!;
    guess[j] = sum / data[j * count + j]!;
  }
  for (let j = count - 1; j >= 0; j--) {
    const value = guess[j]! / data[j * count + j]!;
    guess[j] = value;
    for (let k = 0; k < j; k++) guess[k]! -= data[j * count + k]! * value;
    row[absent[j]!] = value;
  }
}

/** Rows and columns of a square matrix, in float64. */
function gathered(square: Float32Array, rows: Int32Array, columns: Int32Array): Matrix {
  const width = Math.sqrt(square.length);
  const result = matrix(rows.length, columns.length);
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < columns.length; j++) {
      result.data[i * columns.length + j] = square[rows[i]! * width + columns[j]!]!;
    }
  }
  return result;
}
