/**
 * Eigenvalues and eigenvectors of a symmetric matrix in float64: Householder tridiagonalisation, then implicit QR steps
 * with Wilkinson's shift (Golub and Van Loan, "Matrix Computations", sections 8.3.1 and 8.3.3). About 9 n^3 operations.
 */
export interface SymmetricEigen {
  /** [n], in no particular order. */
  readonly values: Float64Array;
  /** [n, n] row-major: row i is the unit eigenvector of `values[i]`. */
  readonly vectors: Float64Array;
}

/** `source` [n, n], both triangles; not changed. @throws Error where QR does not converge (a matrix that is not finite). */
export function symmetricEigen(source: Float64Array, n: number): SymmetricEigen {
  if (source.length !== n * n) throw new RangeError(`${source.length} values are no ${n} x ${n} matrix`);
  const { diagonal, off, vectors } = tridiagonalise(Float64Array.from(source), n);
  let last = n - 1;
  for (let steps = 0; last > 0; steps++) {
    if (steps > 60 * n) throw new Error(`the eigenvalues of a ${n} x ${n} matrix did not converge`);
    if (negligible(off[last - 1], diagonal[last - 1], diagonal[last])) {
      off[last - 1] = 0;
      last--;
      continue;
    }
    let first = last - 1;
    while (first > 0 && !negligible(off[first - 1], diagonal[first - 1], diagonal[first])) first--;
    if (first > 0) off[first - 1] = 0;
    qrStep(diagonal, off, vectors, n, first, last);
  }
  return { values: diagonal, vectors };
}

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** [n - 1], beside the diagonal. */
  readonly off: Float64Array;
  /** Row i is column i of Q, T = Q' A Q. */
  readonly vectors: Float64Array;
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
    for (let i = k + 1; i < n; i++) norm += (v[i] = a[k * n + i]) ** 2;
    norm = Math.sqrt(norm);
    const head = v[k + 1];
    off[k] = head > 0 ? -norm : norm;
    v[k + 1] = head - off[k];
    let square = 0;
    for (let i = k + 1; i < n; i++) square += v[i] * v[i];
    const beta = square > 0 ? 2 / square : 0;
    betas[k] = beta;
    // A -= v w' + w v' with w = p - (beta / 2) (p'v) v, p = beta A v.
    let along = 0;
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += a[row + j] * v[j];
      p[i] = beta * sum;
      along += p[i] * v[i];
    }
    const half = (beta / 2) * along;
    for (let i = k + 1; i < n; i++) p[i] -= half * v[i];
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      const vi = v[i];
      const wi = p[i];
      for (let j = k + 1; j < n; j++) a[row + j] -= vi * p[j] + wi * v[j];
    }
    for (let i = k + 1; i < n; i++) a[k * n + i] = v[i];
  }
  if (n > 1) off[n - 2] = a[(n - 2) * n + n - 1];
  const diagonal = Float64Array.from({ length: n }, (_, i) => a[i * n + i]);

  // Q' = H_last ... H_0, from the last reflector on, when only the lower right corner is not the identity yet.
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  for (let k = n - 3; k >= 0; k--) {
    const reflector = a.subarray(k * n, (k + 1) * n);
    for (let i = k + 1; i < n; i++) {
      const row = i * n;
      let sum = 0;
      for (let j = k + 1; j < n; j++) sum += vectors[row + j] * reflector[j];
      sum *= betas[k];
      for (let j = k + 1; j < n; j++) vectors[row + j] -= sum * reflector[j];
    }
  }
  return { diagonal, off, vectors };
}

function negligible(off: number, a: number, b: number): boolean {
  return Math.abs(off) <= Number.EPSILON * (Math.abs(a) + Math.abs(b));
}

/** One implicit QR step on the unreduced part first..last, and the same rotations on the vectors. */
function qrStep(
  d: Float64Array,
  e: Float64Array,
  vectors: Float64Array,
  n: number,
  first: number,
  last: number,
): void {
  const half = (d[last - 1] - d[last]) / 2;
  const square = e[last - 1] ** 2;
  const root = Math.hypot(half, e[last - 1]);
  const shift = d[last] - square / (half + (half < 0 ? -root : root));
  let x = d[first] - shift;
  let z = e[first];
  for (let k = first; k < last; k++) {
    const r = Math.hypot(x, z);
    const c = r === 0 ? 1 : x / r;
    const s = r === 0 ? 0 : z / r;
    if (k > first) e[k - 1] = r;
    const [dk, ek, dNext] = [d[k], e[k], d[k + 1]];
    d[k] = c * c * dk + 2 * c * s * ek + s * s * dNext;
    d[k + 1] = s * s * dk - 2 * c * s * ek + c * c * dNext;
    e[k] = c * s * (dNext - dk) + (c * c - s * s) * ek;
    if (k < last - 1) {
      x = e[k];
      z = s * e[k + 1];
      e[k + 1] *= c;
    }
    const upper = k * n;
    for (let i = upper; i < upper + n; i++) {
      const above = vectors[i];
      const below = vectors[i + n];
      vectors[i] = c * above + s * below;
      vectors[i + n] = c * below - s * above;
    }
  }
}
