import { block, matrix, transposed } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { addProduct } from './product.ts';
import { solveLower, split } from './triangular.ts';

const BASE = 32;
/** Each failed attempt multiplies the ridge by this; from the smallest sensible one, 20 attempts pass any matrix. */
const RAISE = 10;
const ATTEMPTS = 24;

export interface Factorisation {
  /** L [n, n], lower triangular (zeros above), with `L L' = A + ridge I`. Its leading k x k block factors A's. */
  readonly factor: Matrix;
  /** The ridge that was used, in A's units. */
  readonly ridge: number;
  /** True where the wanted ridge left a pivot that is not positive and a larger one had to be used. */
  readonly ridgeRaised: boolean;
}

/**
 * Cholesky factorisation of a symmetric positive semi-definite matrix plus a ridge; reads the lower triangle, leaves
 * the matrix as it is. Never returns NaN from finite input: where rounding makes a pivot non-positive the ridge grows
 * tenfold and the result says so. @throws RangeError for non-finite input.
 */
export function factorise(symmetric: Matrix, wantedRidge: number): Factorisation {
  const n = symmetric.rows;
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(elementAt(symmetric, i, i)));
  const smallest = largest > 0 ? largest * n * Number.EPSILON : 1;
  if (!Number.isFinite(largest) || !Number.isFinite(wantedRidge)) {
    throw new RangeError(`factorise: diagonal up to ${largest} with ridge ${wantedRidge}: not finite`);
  }
  let ridge = wantedRidge;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const factor = lowerCopy(symmetric, ridge);
    if (factoriseInPlace(factor)) return { factor, ridge, ridgeRaised: attempt > 0 };
    ridge = Math.max(ridge * RAISE, smallest);
  }
  throw new RangeError(`factorise: a ${n} x ${n} matrix with non-finite elements (ridge reached ${ridge})`);
}

function lowerCopy(symmetric: Matrix, ridge: number): Matrix {
  const copy = matrix(symmetric.rows, symmetric.rows);
  for (let i = 0; i < symmetric.rows; i++) {
    for (let j = 0; j <= i; j++) copy.data[i * symmetric.rows + j] = elementAt(symmetric, i, j);
    copy.data[i * symmetric.rows + i]! += ridge;
  }
  return copy;
}

function elementAt(m: Matrix, i: number, j: number): number {
  return m.data[m.offset + i * m.rowStride + j * m.columnStride]!;
}

/** Recursive Cholesky (Gustavson 1997) on the lower triangle. False at the first pivot that is not positive. */
function factoriseInPlace(a: Matrix): boolean {
  const n = a.rows;
  if (n <= BASE) return factoriseBase(a);
  const half = split(n);
  const rest = n - half;
  const corner = block(a, 0, 0, half, half);
  const below = block(a, half, 0, rest, half);
  const trailing = block(a, half, half, rest, rest);
  if (!factoriseInPlace(corner)) return false;
  solveLower(corner, transposed(below));
  addProduct(trailing, -1, below, transposed(below), { lowerOnly: true });
  return factoriseInPlace(trailing);
}

function factoriseBase({ data, offset, rows, rowStride }: Matrix): boolean {
  for (let j = 0; j < rows; j++) {
    const row = offset + j * rowStride;
    for (let i = j; i < rows; i++) {
      const other = offset + i * rowStride;
      let sum = data[other + j]!;
      for (let k = 0; k < j; k++) sum -= data[other + k]! * data[row + k]!;
      if (i > j) data[other + j] = sum / data[row + j]!;
      // Also catches NaN, for which every comparison is false.
      else if (sum > 0 && sum < Infinity) data[row + j] = Math.sqrt(sum);
      else return false;
    }
    data.fill(0, row + j + 1, row + rows);
  }
  return true;
}
