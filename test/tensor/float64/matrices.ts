import { matrix, type Matrix } from '../../../pipeline/tensor/float64/matrix.ts';
import { random } from '../../../pipeline/util/random.ts';

export function randomMatrix(rows: number, columns: number, seed: number): Matrix {
  const numbers = random(seed, rows, columns);
  return matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, () => numbers.normal()),
  );
}

export function at(m: Matrix, row: number, column: number): number {
  return m.data[m.offset + row * m.rowStride + column * m.columnStride]!;
}

/** Plain triple loop: the reference. */
export function naiveProduct(left: Matrix, right: Matrix): Matrix {
  const result = matrix(left.rows, right.columns);
  for (let i = 0; i < left.rows; i++) {
    for (let j = 0; j < right.columns; j++) {
      for (let k = 0; k < left.columns; k++) {
        result.data[i * right.columns + j]! += at(left, i, k) * at(right, k, j);
      }
    }
  }
  return result;
}

export function largestDifference(
  a: Matrix,
  b: Matrix,
  where = (_row: number, _column: number) => true,
): number {
  let largest = 0;
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < a.columns; j++) {
      if (where(i, j)) largest = Math.max(largest, Math.abs(at(a, i, j) - at(b, i, j)));
    }
  }
  return largest;
}

/** X X' / n + 0.1 I. */
export function positiveDefinite(n: number, seed: number): Matrix {
  const x = randomMatrix(n, n, seed);
  const result = matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = i === j ? 0.1 : 0;
      for (let k = 0; k < n; k++) sum += (at(x, i, k) * at(x, j, k)) / n;
      result.data[i * n + j] = sum;
    }
  }
  return result;
}
