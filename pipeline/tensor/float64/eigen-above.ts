import { random } from '../../util/random.ts';

/**
 * The upper end of a symmetric matrix's spectrum in float64: Householder tridiagonalisation, implicit QR steps with
 * Wilkinson's shift for the eigenvalues alone, inverse iteration for the eigenvectors that are wanted (Golub and Van Loan,
 * "Matrix Computations", sections 8.3.1, 8.3.3 and 8.2.2). About 4/3 n^3 operations and 6 n^2 for each vector.
 */
export interface UpperEigen {
  /** All those above the bound, largest first. */
  readonly values: Float64Array;
  /** Row-major: row i is the unit eigenvector of `values[i]`; they are orthogonal. */
  readonly vectors: Float64Array;
}

/**
 * Eigenvalues of `source` [n, n] (both triangles; not changed) above `bound`, with their vectors.
 * @throws Error where QR does not converge (a matrix that is not finite).
 */
export function eigenAbove(source: Float64Array, n: number, bound: number): UpperEigen {
  if (source.length !== n * n) throw new RangeError(`${source.length} values are no ${n} x ${n} matrix`);
  const reduced = tridiagonalise(Float64Array.from(source), n);
  const values = eigenvalues(reduced, n)
    .filter((value) => value > bound)
    .sort()
    .reverse();
  const vectors = new Float64Array(values.length * n);
  const numbers = random(1, 'inverse iteration');
  for (const [index, value] of values.entries()) {
    const x = vectors.subarray(index * n, (index + 1) * n);
    for (let i = 0; i < n; i++) x[i] = numbers.next() - 0.5;
    // The first step leaves the eigenspace and little else; the second cleans up after the first orthogonalisation.
    for (let step = 0; step < 3; step++) {
      solveShifted(reduced, value, x);
      orthonormalise(x, vectors, index);
    }
  }
  for (let index = 0; index < values.length; index++) {
    backTransform(reduced, vectors.subarray(index * n, (index + 1) * n));
  }
  return { values, vectors };
}

function eigenvalues({ diagonal, off }: Tridiagonal, n: number): Float64Array {
  const d = diagonal.slice();
  const e = off.slice();
  let last = n - 1;
  for (let steps = 0; last > 0; steps++) {
    if (steps > 60 * n) throw new Error(`the eigenvalues of a ${n} x ${n} matrix did not converge`);
    if (negligible(e[last - 1]!, d[last - 1]!, d[last]!)) {
      e[last - 1] = 0;
      last--;
      continue;
    }
    let first = last - 1;
    while (first > 0 && !negligible(e[first - 1]!, d[first - 1]!, d[first]!)) first--;
    if (first > 0) e[first - 1] = 0;
    qrStep(d, e, first, last);
  }
  return d;
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** [n - 1], beside the diagonal. */
  readonly off: Float64Array;
  /** T = Q' A Q, Q the product of the reflectors I - beta v v': row k holds v of reflector k, from k + 1 on. */
  readonly reflectors: Float64Array;
  readonly betas: Float64Array;
}

/** Overwrites `a` with the reflectors. */
function tridiagonalise(a: Float64Array, n: number): Tridiagonal {
  const off = new Float64Array(Math.max(0, n - 1));
  const betas = new Float64Array(n);
  const v = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k < n - 2; k++) {
    // The reflector that leaves of row k only the element beside the diagonal.
    let norm = 0;
    for (let i = k + 1; i < n; i++) norm += (v[i] = a[k * n + i]!) ** 2;
    norm = Math.sqrt(norm);
    const head = v[k + 1]!;
    off[k] = head > 0 ? -norm : norm;
    v[k + 1] = head - off[k]!;
    let square = 0;
    for (let i = k + 1; i < n; i++) square += v[i]! * v[i]!;
    const beta = square > 0 ? 2 / square : 0;
    betas[k] = beta;
    // A -= v w' + w v' with w = p - (beta / 2) (p'v) v, p = beta A v.
    let along = 0;
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += a[row + j]! * v[j]!;
      p[i] = beta * sum;
      along += p[i]! * v[i]!;
    }
    const half = (beta / 2) * along;
    for (let i = k + 1; i < n; i++) p[i]! -= half * v[i]!;
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      const vi = v[i]!;
      const wi = p[i]!;
      for (let j = k + 1; j < n; j++) a[row + j]! -= vi * p[j]! + wi * v[j]!;
    }
    for (let i = k + 1; i < n; i++) a[k * n + i] = v[i]!;
  }
  if (n > 1) off[n - 2] = a[(n - 2) * n + n - 1]!;
  const diagonal = Float64Array.from({ length: n }, (_, i) => a[i * n + i]!);
  return { diagonal, off, reflectors: a, betas };
}

/** x = Q x */
function backTransform({ reflectors, betas }: Tridiagonal, x: Float64Array): void {
  const n = x.length;
  for (let k = n - 3; k >= 0; k--) {
    const v = reflectors.subarray(k * n, (k + 1) * n);
    let sum = 0;
    for (let i = k + 1; i < n; i++) sum += v[i]! * x[i]!;
    sum *= betas[k]!;
    for (let i = k + 1; i < n; i++) x[i]! -= sum * v[i]!;
  }
}

/** x = (T - shift I)^-1 x by Gaussian elimination with row exchanges; a pivot that vanishes becomes a tiny one. */
function solveShifted({ diagonal, off }: Tridiagonal, shift: number, x: Float64Array): void {
  const n = x.length;
  let largest = Number.MIN_VALUE;
  for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(diagonal[i]!), Math.abs(off[i] ?? 0));
  const tiny = Math.max(Number.EPSILON * largest, Number.MIN_VALUE / Number.EPSILON);
  const nonZero = (pivot: number): number => (Math.abs(pivot) < tiny ? tiny : pivot);
  // Upper triangle: diagonal and the two above it.
  const u = [new Float64Array(n), new Float64Array(n + 1), new Float64Array(n + 2)];
  let row = [diagonal[0]! - shift, off[0] ?? 0, 0];
  for (let i = 0; i + 1 < n; i++) {
    let below = [off[i]!, diagonal[i + 1]! - shift, off[i + 1] ?? 0];
    if (Math.abs(below[0]!) > Math.abs(row[0]!)) {
      [row, below] = [below, row];
      [x[i], x[i + 1]] = [x[i + 1]!, x[i]!];
    }
    const pivot = nonZero(row[0]!);
    const factor = below[0]! / pivot;
    u[0]![i] = pivot;
    u[1]![i] = row[1]!;
    u[2]![i] = row[2]!;
    x[i + 1]! -= factor * x[i]!;
    row = [below[1]! - factor * row[1]!, below[2]! - factor * row[2]!, 0];
  }
  u[0]![n - 1] = nonZero(row[0]!);
  for (let i = n - 1; i >= 0; i--) {
    const rest = u[1]![i]! * (i + 1 < n ? x[i + 1]! : 0) + u[2]![i]! * (i + 2 < n ? x[i + 2]! : 0);
    x[i] = (x[i]! - rest) / u[0]![i]!;
  }
}

/** Takes from x what lies along the first `count` rows of `vectors`, and makes it a unit vector. */
function orthonormalise(x: Float64Array, vectors: Float64Array, count: number): void {
  const n = x.length;
  const scale = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (let i = 0; i < n; i++) x[i]! /= scale;
  for (let other = 0; other < count; other++) {
    const row = other * n;
    let along = 0;
    for (let i = 0; i < n; i++) along += vectors[row + i]! * x[i]!;
    for (let i = 0; i < n; i++) x[i]! -= along * vectors[row + i]!;
  }
  let norm = 0;
  for (let i = 0; i < n; i++) norm += x[i]! * x[i]!;
  norm = Math.sqrt(norm);
  for (let i = 0; i < n; i++) x[i]! /= norm;
}

function negligible(off: number, a: number, b: number): boolean {
  return Math.abs(off) <= Number.EPSILON * (Math.abs(a) + Math.abs(b));
}

/** One implicit QR step on the unreduced part first..last. */
function qrStep(d: Float64Array, e: Float64Array, first: number, last: number): void {
  const half = (d[last - 1]! - d[last]!) / 2;
  const square = e[last - 1]! ** 2;
  const root = Math.hypot(half, e[last - 1]!);
  const shift = d[last]! - square / (half + (half < 0 ? -root : root));
  let x = d[first]! - shift;
  let z = e[first]!;
  for (let k = first; k < last; k++) {
    const r = Math.hypot(x, z);
    const c = r === 0 ? 1 : x / r;
    const s = r === 0 ? 0 : z / r;
    if (k > first) e[k - 1] = r;
    const dk = d[k]!;
    const ek = e[k]!;
    const dNext = d[k + 1]!;
    d[k] = c * c * dk + 2 * c * s * ek + s * s * dNext;
    d[k + 1] = s * s * dk - 2 * c * s * ek + c * c * dNext;
    e[k] = c * s * (dNext - dk) + (c * c - s * s) * ek;
    if (k < last - 1) {
      x = e[k]!;
      z = s * e[k + 1]!;
      e[k + 1]! *= c;
    }
  }
}
