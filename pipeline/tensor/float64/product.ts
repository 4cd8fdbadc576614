import { block, transposed } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { createMicroKernel, TILE } from './micro-kernel.ts';

/** Sizes of the packed panels: strips of `DEPTH` stay in the first-level cache, the right panel in the second. */
const DEPTH = 256;
const ROWS = 128;
const COLUMNS = 512;
/** Up to this many multiply-adds a plain loop, without packing. */
const SMALL = 4096;

const RIGHT = DEPTH * ROWS;
const TILE_OUT = RIGHT + DEPTH * COLUMNS;
const kernel = createMicroKernel(8 * (TILE_OUT + TILE * TILE));

export interface ProductOptions {
  /**
   * Only the lower triangle of a square result is wanted. Tiles on the diagonal are computed whole, so up to three
   * elements right of it change too; the rest of the upper triangle is left alone.
   */
  readonly lowerOnly?: boolean;
}

/**
 * target [m, n] += alpha * left [m, k] right [k, n], in float64. Views of any stride; `target` must not overlap the
 * factors. The one level-3 routine: everything that is cubic in this folder ends here (Goto and van de Geijn, "Anatomy
 * of high-performance matrix multiplication", 2008: pack panels once, then run register tiles over them).
 */
export function addProduct(
  target: Matrix,
  alpha: number,
  left: Matrix,
  right: Matrix,
  { lowerOnly = false }: ProductOptions = {},
): void {
  const { rows: m, columns: n } = target;
  const k = left.columns;
  if (left.rows !== m || right.columns !== n || right.rows !== k) {
    throw new RangeError(
      `product of ${left.rows} x ${left.columns} and ${right.rows} x ${right.columns} into ${m} x ${n}`,
    );
  }
  if (m * n * k <= SMALL) return addSmallProduct(target, alpha, left, right);
  for (let k0 = 0; k0 < k; k0 += DEPTH) {
    const depth = Math.min(DEPTH, k - k0);
    for (let j0 = 0; j0 < n; j0 += COLUMNS) {
      const columns = Math.min(COLUMNS, n - j0);
      pack(transposed(block(right, k0, j0, depth, columns)), RIGHT);
      for (let i0 = lowerOnly ? Math.floor(j0 / ROWS) * ROWS : 0; i0 < m; i0 += ROWS) {
        const rows = Math.min(ROWS, m - i0);
        pack(block(left, i0, k0, rows, depth), 0);
        const skip = lowerOnly ? j0 - i0 : -Infinity;
        addTiles(block(target, i0, j0, rows, columns), alpha, depth, skip);
      }
    }
  }
}

/** Lays strips of `TILE` rows one after another, depth-major within a strip, and pads the last strip with zeros. */
function pack(source: Matrix, address: number): void {
  const { data, rows, columns: depth, rowStride, columnStride } = source;
  const memory = kernel.memory;
  for (let i = 0; i < rows; i += TILE) {
    const strip = address + i * depth;
    const full = Math.min(TILE, rows - i);
    if (full === TILE) {
      let a = source.offset + i * rowStride;
      for (let p = strip; p < strip + depth * TILE; p += TILE, a += columnStride) {
        memory[p] = data[a]!;
        memory[p + 1] = data[a + rowStride]!;
        memory[p + 2] = data[a + 2 * rowStride]!;
        memory[p + 3] = data[a + 3 * rowStride]!;
      }
      continue;
    }
    for (let r = 0; r < TILE; r++) {
      const from = source.offset + (i + r) * rowStride;
      for (let p = 0; p < depth; p++) {
        memory[strip + p * TILE + r] = r < full ? data[from + p * columnStride]! : 0;
      }
    }
  }
}

/** target += alpha * (packed left) (packed right), without tiles whose columns all exceed row + (-skip). */
function addTiles(target: Matrix, alpha: number, depth: number, skip: number): void {
  const { data, offset, rows, columns, rowStride, columnStride } = target;
  const { memory, multiply } = kernel;
  for (let i = 0; i < rows; i += TILE) {
    const height = Math.min(TILE, rows - i);
    const end = Math.min(columns, i + TILE - skip);
    for (let j = 0; j < end; j += TILE) {
      multiply(8 * i * depth, 8 * (RIGHT + j * depth), depth, 8 * TILE_OUT);
      const width = Math.min(TILE, columns - j);
      for (let r = 0; r < height; r++) {
        const to = offset + (i + r) * rowStride + j * columnStride;
        const from = TILE_OUT + r * TILE;
        for (let c = 0; c < width; c++) data[to + c * columnStride]! += alpha * memory[from + c]!;
      }
    }
  }
}

function addSmallProduct(target: Matrix, alpha: number, left: Matrix, right: Matrix): void {
  for (let i = 0; i < target.rows; i++) {
    for (let j = 0; j < target.columns; j++) {
      let sum = 0;
      let a = left.offset + i * left.rowStride;
      let b = right.offset + j * right.columnStride;
      for (let k = 0; k < left.columns; k++, a += left.columnStride, b += right.rowStride) {
        sum += left.data[a]! * right.data[b]!;
      }
      target.data[target.offset + i * target.rowStride + j * target.columnStride]! += alpha * sum;
    }
  }
}
