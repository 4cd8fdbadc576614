import { random } from '../../pipeline/util/random.ts';

/** `rows` orthonormal rows of `width` numbers, by Gram and Schmidt. */
export function orthonormal(rows: number, width: number, seed = 3): Float64Array {
  const draw = random(seed, 'basis');
  const basis: number[][] = [];
  while (basis.length < rows) {
    let row = Array.from({ length: width }, () => draw.normal());
    for (let pass = 0; pass < 2; pass++) {
      for (const other of basis) {
        const along = row.reduce((sum, value, i) => sum + value * other[i]!, 0);
        row = row.map((value, i) => value - along * other[i]!);
      }
    }
    const length = Math.hypot(...row);
    basis.push(row.map((value) => value / length));
  }
  return Float64Array.from(basis.flat());
}

/** `A B` [m, n] of A [m, k] and B [k, n], row-major, by three loops. */
export function product(a: ArrayLike<number>, b: ArrayLike<number>, k: number): Float64Array {
  const [m, n] = [a.length / k, b.length / k];
  const result = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let l = 0; l < k; l++) result[i * n + j]! += a[i * k + l]! * b[l * n + j]!;
    }
  }
  return result;
}

/** A' [n, m] of A [m, n]. */
export function transposedOf(a: ArrayLike<number>, n: number): Float64Array {
  const m = a.length / n;
  return Float64Array.from({ length: a.length }, (_, at) => a[(at % m) * n + Math.floor(at / m)]!);
}

/** A of singular values between 1/2 and 2 in random directions [n, n], and its inverse. */
export function invertible(
  n: number,
  seed: number,
): { readonly basis: Float64Array; readonly inverse: Float64Array } {
  const [left, right] = [orthonormal(n, n, 2 * seed), orthonormal(n, n, 2 * seed + 1)];
  const stretch = (i: number): number => 2 ** ((2 * i) / Math.max(n - 1, 1) - 1);
  const wide = left.map((value, at) => value * stretch(at % n));
  const narrow = left.map((value, at) => value / stretch(at % n));
  return {
    basis: product(wide, right, n),
    inverse: product(transposedOf(right, n), transposedOf(narrow, n), n),
  };
}

/** Mean of products `X' X / N` [d, d] of rows [N, d]. */
export function momentsOf(rows: ArrayLike<number>, d: number): Float64Array {
  const count = rows.length / d;
  return product(transposedOf(rows, d), rows, count).map((value) => value / count);
}

/** [N, d] of standard normal rows, mixed so that some directions are much wider than others. */
export function mixedRows(count: number, d: number, seed: number): Float64Array {
  const draw = random(seed, 'rows');
  const plain = Float64Array.from({ length: count * d }, (_, at) => draw.normal() * 2 ** -(at % d));
  return product(plain, invertible(d, seed).basis, d);
}

export function identity(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
}

/** Largest difference of two equally long lists. */
export function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} numbers against ${b.length}`);
  return Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
