import { block, matrix, transposed } from '../../tensor/float64/matrix.ts';
import type { Matrix } from '../../tensor/float64/matrix.ts';
import { addProduct } from '../../tensor/float64/product.ts';

/** Removals between two updates of the whole matrices. Any value gives the same removals up to rounding. */
const PANEL = 96;

export interface Elimination {
  /** Units in the order of their removal, cheapest first. */
  readonly removed: Int32Array;
  /** Growth of the regularised error with each removal. */
  readonly cost: Float64Array;
  /** Squared norm of the refitted weights that are left after each removal. */
  readonly remainingNorm: Float64Array;
}

/**
 * Removes one unit after the other, always the one with the least `||W_j||^2 / P_jj`, until none is left.
 *
 * `precision` is P = (C + ridge)^-1 [H, H]; `gram` is W W' [H, H] of the refitted weights W [H, D]: the costs need no
 * more of W than its inner products. Removing j with l = P_:j / sqrt(P_jj) and v = (W W')_:j / sqrt(P_jj) is
 * `P -= l l'` and `W W' -= l v' + v l' - c l l'`, c the cost. As in a pivoted Cholesky factorisation the updates of a
 * panel of removals are kept as factors, only the diagonals and the pivot's column are brought up to date, and the
 * matrices are updated once per panel by products. So blocking costs no accuracy: every removal is the exact best one.
 * Works on the lower triangles and overwrites both matrices (they shrink as units leave).
 */
export function eliminate(precision: Matrix, gram: Matrix, smallestPrecision: Float64Array): Elimination {
  const hidden = precision.rows;
  const removed = new Int32Array(hidden);
  const cost = new Float64Array(hidden);
  const remainingNorm = new Float64Array(hidden);
  let units = Int32Array.from({ length: hidden }, (_, j) => j);
  let diagonal = diagonalOf(precision);
  let norms = diagonalOf(gram);

  for (let done = 0; done < hidden;) {
    const n = hidden - done;
    const panel = Math.min(PANEL, n);
    const l = matrix(panel, n);
    const v = matrix(panel, n);
    const left = new Uint8Array(n).fill(1);
    for (let k = 0; k < panel; k++, done++) {
      const j = cheapest(left, norms, diagonal);
      const c = norms[j]! / diagonal[j]!;
      const scale = 1 / Math.sqrt(diagonal[j]!);
      const lk = l.data.subarray(k * n, (k + 1) * n);
      const vk = v.data.subarray(k * n, (k + 1) * n);
      readColumn(precision, n, j, lk);
      readColumn(gram, n, j, vk);
      for (let q = 0; q < k; q++) {
        const lq = l.data.subarray(q * n, (q + 1) * n);
        const vq = v.data.subarray(q * n, (q + 1) * n);
        const lqj = lq[j]!;
        const vqj = vq[j]!;
        for (let i = 0; i < n; i++) {
          lk[i]! -= lqj * lq[i]!;
          vk[i]! -= vqj * lq[i]! + lqj * vq[i]!;
        }
      }
      removed[done] = units[j]!;
      cost[done] = c;
      left[j] = 0;
      let norm = 0;
      for (let i = 0; i < n; i++) {
        const li = lk[i]! * scale;
        // v - c l / 2, so that the update is the symmetric l v' + v l'.
        const vi = vk[i]! * scale - (c / 2) * li;
        lk[i] = li;
        vk[i] = vi;
        if (left[i] === 0) continue;
        // Rounding may not push a unit's precision under that of its variance alone, nor a norm under zero.
        diagonal[i] = Math.max(diagonal[i]! - li * li, smallestPrecision[units[i]!]!);
        norms[i] = Math.max(norms[i]! - 2 * li * vi, 0);
        norm += norms[i]!;
      }
      remainingNorm[done] = norm;
    }
    const kept = Int32Array.from(left.keys()).filter((i) => left[i] === 1);
    if (kept.length === 0) break;
    compact(precision, kept);
    compact(gram, kept);
    const lower = pick(l, kept);
    const upper = pick(v, kept);
    const m = kept.length;
    addProduct(block(precision, 0, 0, m, m), -1, transposed(lower), lower, { lowerOnly: true });
    addProduct(block(gram, 0, 0, m, m), -1, transposed(lower), upper, { lowerOnly: true });
    addProduct(block(gram, 0, 0, m, m), -1, transposed(upper), lower, { lowerOnly: true });
    units = Int32Array.from(kept, (i) => units[i]!);
    diagonal = Float64Array.from(kept, (i) => diagonal[i]!);
    norms = Float64Array.from(kept, (i) => norms[i]!);
  }
  return { removed, cost, remainingNorm };
}

function diagonalOf({ data, rows, rowStride }: Matrix): Float64Array {
  return Float64Array.from({ length: rows }, (_, j) => data[j * rowStride + j]!);
}

function cheapest(left: Uint8Array, norms: Float64Array, diagonal: Float64Array): number {
  let best = -1;
  let least = Infinity;
  for (let i = 0; i < left.length; i++) {
    if (left[i] === 0) continue;
    const cost = norms[i]! / diagonal[i]!;
    if (best === -1 || cost < least) {
      best = i;
      least = cost;
    }
  }
  return best;
}

/** Column j of the leading n x n part of a symmetric matrix, of which only the lower triangle is valid. */
function readColumn({ data, rowStride }: Matrix, n: number, j: number, target: Float64Array): void {
  target.set(data.subarray(j * rowStride, j * rowStride + j + 1));
  for (let i = j + 1; i < n; i++) target[i] = data[i * rowStride + j]!;
}

/** Moves the lower triangle of the rows and columns `kept` (ascending) to the top left corner. */
function compact({ data, rowStride }: Matrix, kept: Int32Array): void {
  for (let i = 0; i < kept.length; i++) {
    const from = kept[i]! * rowStride;
    const to = i * rowStride;
    for (let j = 0; j <= i; j++) data[to + j] = data[from + kept[j]!]!;
  }
}

/** The columns `kept` of a row-major matrix. */
function pick(source: Matrix, kept: Int32Array): Matrix {
  const result = matrix(source.rows, kept.length);
  for (let k = 0; k < source.rows; k++) {
    for (let i = 0; i < kept.length; i++) {
      result.data[k * kept.length + i] = source.data[k * source.columns + kept[i]!]!;
    }
  }
  return result;
}
