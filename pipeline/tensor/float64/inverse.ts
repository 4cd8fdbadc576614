import { block, mirrorLower, transposed } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { addProduct } from './product.ts';
import { multiplyUpper, solveLower, solveUpper, split } from './triangular.ts';

const BASE = 32;

/**
 * `(L L')^-1` [n, n], both triangles, written over the Cholesky factor L: first L^-1, then L^-T L^-1, each recursive.
 * Takes the factor's storage so that H = 3072 needs no second 75 MB.
 */
export function invertFactored(factor: Matrix): void {
  invertLower(factor);
  squareLower(factor);
  mirrorLower(factor);
}

/** L <- L^-1 for lower-triangular L; the upper triangle is not read. */
function invertLower(l: Matrix): void {
  const n = l.rows;
  if (n <= BASE) return invertBase(l);
  const half = split(n);
  const corner = block(l, 0, 0, half, half);
  const below = block(l, half, 0, n - half, half);
  const trailing = block(l, half, half, n - half, n - half);
  solveLower(trailing, below);
  // X corner = below is corner' X' = below'.
  solveUpper(transposed(corner), transposed(below));
  for (let i = 0; i < below.rows; i++) {
    const row = below.offset + i * below.rowStride;
    for (let j = row; j < row + below.columns; j++) below.data[j] = -below.data[j]!;
  }
  invertLower(corner);
  invertLower(trailing);
}

function invertBase({ data, offset, rows, rowStride }: Matrix): void {
  for (let j = 0; j < rows; j++) {
    const pivot = 1 / data[offset + j * rowStride + j]!;
    data[offset + j * rowStride + j] = pivot;
    for (let i = j + 1; i < rows; i++) {
      const row = offset + i * rowStride;
      let sum = 0;
      for (let k = j; k < i; k++) sum -= data[row + k]! * data[offset + k * rowStride + j]!;
      data[row + j] = sum / data[row + i]!;
    }
  }
}

/** L <- the lower triangle of L' L. Elements above the diagonal hold no meaning afterwards. */
function squareLower(l: Matrix): void {
  const n = l.rows;
  if (n <= BASE) return squareBase(l);
  const half = split(n);
  const corner = block(l, 0, 0, half, half);
  const below = block(l, half, 0, n - half, half);
  const trailing = block(l, half, half, n - half, n - half);
  squareLower(corner);
  addProduct(corner, 1, transposed(below), below, { lowerOnly: true });
  multiplyUpper(transposed(trailing), below);
  squareLower(trailing);
}

function squareBase({ data, offset, rows, rowStride }: Matrix): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < rows; k++) {
        const row = offset + k * rowStride;
        sum += data[row + i]! * data[row + j]!;
      }
      data[offset + i * rowStride + j] = sum;
    }
  }
}
