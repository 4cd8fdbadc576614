import { block } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { addProduct } from './product.ts';

/** Recursion ends here; below it a plain loop over a contiguous copy is faster than another split. */
const BASE = 32;
/** Columns that a leaf works on at once: 32 x 64 numbers are 16 kB. */
const CHUNK = 64;

/**
 * Solves `L X = B` in place (`solution` holds B, then X [n, m]) for lower-triangular L [n, n]; only L's lower triangle
 * is read. `X L' = B` is the same call on `transposed(solution)`. Recursive halving, so the work is products.
 */
export function solveLower(lower: Matrix, solution: Matrix): void {
  const n = lower.rows;
  if (n <= BASE) return substitute(lower, solution, 'forward');
  const half = split(n);
  const m = solution.columns;
  const top = block(solution, 0, 0, half, m);
  const bottom = block(solution, half, 0, n - half, m);
  solveLower(block(lower, 0, 0, half, half), top);
  addProduct(bottom, -1, block(lower, half, 0, n - half, half), top);
  solveLower(block(lower, half, half, n - half, n - half), bottom);
}

/** Solves `U X = B` in place for upper-triangular U; `L' X = B` is `solveUpper(transposed(L), X)`. */
export function solveUpper(upper: Matrix, solution: Matrix): void {
  const n = upper.rows;
  if (n <= BASE) return substitute(upper, solution, 'backward');
  const half = split(n);
  const m = solution.columns;
  const top = block(solution, 0, 0, half, m);
  const bottom = block(solution, half, 0, n - half, m);
  solveUpper(block(upper, half, half, n - half, n - half), bottom);
  addProduct(top, -1, block(upper, 0, half, half, n - half), bottom);
  solveUpper(block(upper, 0, 0, half, half), top);
}

/** X <- U X in place for upper-triangular U [n, n] and X [n, m]; only U's upper triangle is read. */
export function multiplyUpper(upper: Matrix, target: Matrix): void {
  const n = upper.rows;
  if (n <= BASE) return substitute(upper, target, 'multiply');
  const half = split(n);
  const m = target.columns;
  const top = block(target, 0, 0, half, m);
  const bottom = block(target, half, 0, n - half, m);
  multiplyUpper(block(upper, 0, 0, half, half), top);
  addProduct(top, 1, block(upper, 0, half, half, n - half), bottom);
  multiplyUpper(block(upper, half, half, n - half, n - half), bottom);
}

/** The middle, rounded up to a multiple of the base so that leaves and tiles stay full. */
export function split(n: number): number {
  return Math.ceil(n / 2 / BASE) * BASE;
}

type BaseCase = 'forward' | 'backward' | 'multiply';

/** The three loops at the leaves, on a contiguous copy of `CHUNK` columns: the view's own stride may be a whole row. */
function substitute(triangle: Matrix, solution: Matrix, how: BaseCase): void {
  const { data, rowStride, columnStride } = solution;
  const n = triangle.rows;
  const scratch = new Float64Array(n * CHUNK);
  for (let j0 = 0; j0 < solution.columns; j0 += CHUNK) {
    const width = Math.min(CHUNK, solution.columns - j0);
    const origin = solution.offset + j0 * columnStride;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < width; j++) {
        scratch[i * CHUNK + j] = data[origin + i * rowStride + j * columnStride]!;
      }
    }
    for (let step = 0; step < n; step++) {
      const i = how === 'backward' ? n - 1 - step : step;
      const row = triangle.offset + i * triangle.rowStride;
      const pivot = triangle.data[row + i * triangle.columnStride]!;
      if (how === 'multiply') for (let j = 0; j < width; j++) scratch[i * CHUNK + j]! *= pivot;
      const [from, to] = how === 'forward' ? [0, i] : [i + 1, n];
      for (let k = from; k < to; k++) {
        const element = triangle.data[row + k * triangle.columnStride]!;
        const factor = how === 'multiply' ? element : -element;
        for (let j = 0; j < width; j++) scratch[i * CHUNK + j]! += factor * scratch[k * CHUNK + j]!;
      }
      if (how !== 'multiply') for (let j = 0; j < width; j++) scratch[i * CHUNK + j]! /= pivot;
    }
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < width; j++) {
        data[origin + i * rowStride + j * columnStride] = scratch[i * CHUNK + j]!;
      }
    }
  }
}
