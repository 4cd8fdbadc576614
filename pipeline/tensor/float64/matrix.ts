/**
 * Float64 matrices on the host. TensorFlow.js computes in float32 only; covariances, factorisations and the refit need
 * more. A matrix is a view: blocks and transposes share the data, so the algorithms are written once.
 */
export interface Matrix {
  readonly data: Float64Array;
  readonly offset: number;
  readonly rows: number;
  readonly columns: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** A row-major matrix over `data`; all zeros without it. @throws RangeError where the sizes disagree. */
export function matrix(
  rows: number,
  columns: number,
  data: Float64Array = new Float64Array(rows * columns),
): Matrix {
  if (data.length < rows * columns) {
    throw new RangeError(`a ${rows} x ${columns} matrix over ${data.length} numbers`);
  }
  return { data, offset: 0, rows, columns, rowStride: columns, columnStride: 1 };
}

export function transposed(m: Matrix): Matrix {
  const { rows, columns, rowStride, columnStride } = m;
  return { ...m, rows: columns, columns: rows, rowStride: columnStride, columnStride: rowStride };
}

/** The `rows` x `columns` block whose first element is (row, column). */
export function block(m: Matrix, row: number, column: number, rows: number, columns: number): Matrix {
  if (row < 0 || column < 0 || row + rows > m.rows || column + columns > m.columns) {
    throw new RangeError(
      `block ${row},${column} of ${rows} x ${columns} in a ${m.rows} x ${m.columns} matrix`,
    );
  }
  const offset = m.offset + row * m.rowStride + column * m.columnStride;
  return { ...m, offset, rows, columns };
}

/** A row-major copy of a view. */
export function copyOf(source: Matrix): Matrix {
  const copy = matrix(source.rows, source.columns);
  for (let i = 0; i < source.rows; i++) {
    const from = source.offset + i * source.rowStride;
    const to = i * source.columns;
    for (let j = 0; j < source.columns; j++) copy.data[to + j] = source.data[from + j * source.columnStride]!;
  }
  return copy;
}

/** Copies the lower triangle of a square matrix onto the upper one, in square tiles to stay within the cache. */
export function mirrorLower(m: Matrix): void {
  const { data, offset, rows, rowStride, columnStride } = m;
  const side = 32;
  for (let i0 = 0; i0 < rows; i0 += side) {
    for (let j0 = 0; j0 <= i0; j0 += side) {
      for (let i = i0; i < Math.min(i0 + side, rows); i++) {
        for (let j = j0; j < Math.min(j0 + side, i); j++) {
          data[offset + j * rowStride + i * columnStride] = data[offset + i * rowStride + j * columnStride]!;
        }
      }
    }
  }
}
