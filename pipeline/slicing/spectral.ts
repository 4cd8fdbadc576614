import { matrix, transposed } from '../tensor/float64/matrix.ts';
import { addProduct } from '../tensor/float64/product.ts';
import { eigenAbove } from '../tensor/float64/eigen-above.ts';

/** Of a symmetric matrix: eigenvalues, largest first, and the unit eigenvectors as rows [n, n]. */
export function eigen(symmetric: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  return eigenAbove(symmetric, n, -Infinity);
}

/** `A B` [m, n] of A [m, k] and B [k, n], row-major. */
export function times(
  a: Float64Array,
  b: Float64Array,
  m: number,
  k: number,
  n: number,
  transposeB = false,
): Float64Array {
  const result = matrix(m, n);
  addProduct(result, 1, matrix(m, k, a), transposeB ? transposed(matrix(n, k, b)) : matrix(k, n, b));
  return result.data;
}

export function transpose(a: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(a.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = a[i * columns + j]!;
  }
  return result;
}

/** Of directions that hardly occur: this share of the mean eigenvalue stands in for less. */
const least = 1e-6;

/** `S^(1/2)` and `S^(-1/2)` of a covariance [n, n]. */
export function roots(
  symmetric: Float64Array,
  n: number,
): { readonly root: Float64Array; readonly inverse: Float64Array } {
  const { values, vectors } = eigen(symmetric, n);
  const mean = values.reduce((sum, value) => sum + Math.max(value, 0), 0) / n;
  const spread = values.map((value) => Math.sqrt(Math.max(value, least * mean, Number.MIN_VALUE)));
  const scaled = (power: 1 | -1): Float64Array => {
    const rows = vectors.map((value, at) => value * spread[Math.floor(at / n)]! ** power);
    return times(transpose(rows, n, n), vectors, n, n, n);
  };
  return { root: scaled(1), inverse: scaled(-1) };
}
