/**
 * The shader of a matrix product, float32 throughout. A workgroup of 256 threads makes one square tile of the result from slices of 16
 * terms that it keeps in its shared memory; a thread holds 4 x 4 numbers (tile 64) or 8 x 8 (tile 128) in registers, so that
 * every number read is used that often. Sums are made in one order: equal inputs give equal bits.
 */
export type Tile = 64 | 128;

/** Terms per slice. */
const slice = 16;

/**
 * Result [z, rows, columns], z either the batch or the share of the terms: `split` numbers start at z * chunk. In the uniforms:
 * rows, columns, inner, chunk, and what one step of the batch is in A and in B.
 */
export function productShader(tile: Tile, transposeA: boolean, transposeB: boolean, split: boolean): string {
  // One more than fits, so that threads that write one row meet different memory banks.
  const pitch = tile / 4 + 1;
  const quads = tile / 64;
  const parts = [...Array(quads).keys()];
  const four = [0, 1, 2, 3];
  const sum = (i: number, row: number, j: number): string => `sum${i}_${row}_${j}`;
  const sums = parts.flatMap((i) => four.flatMap((row) => parts.map((j) => ({ i, row, j }))));
  return `
  var<workgroup> sliceA : array<vec4<f32>, ${slice * pitch}>;
  var<workgroup> sliceB : array<vec4<f32>, ${slice * pitch}>;

  fn readA(start : i32, row : i32, k : i32, end : i32) -> f32 {
    if (row >= uniforms.rows || k >= end) { return 0.0; }
    return A[start + ${transposeA ? 'k * uniforms.rows + row' : 'row * uniforms.inner + k'}];
  }
  fn readB(start : i32, k : i32, column : i32, end : i32) -> f32 {
    if (column >= uniforms.columns || k >= end) { return 0.0; }
    return B[start + ${transposeB ? 'column * uniforms.inner + k' : 'k * uniforms.columns + column'}];
  }

  fn main() {
    let z = i32(workgroupId.z);
    let startA = ${split ? '0' : 'z * uniforms.stepA'};
    let startB = ${split ? '0' : 'z * uniforms.stepB'};
    let first = ${split ? 'z * uniforms.chunk' : '0'};
    let end = ${split ? 'min(uniforms.inner, first + uniforms.chunk)' : 'uniforms.inner'};
    let top = i32(workgroupId.y) * ${tile};
    let left = i32(workgroupId.x) * ${tile};
    let thread = i32(localIndex);
    let down = thread / 16;
    let across = thread % 16;
    ${sums.map(({ i, row, j }) => `var ${sum(i, row, j)} = vec4<f32>(0.0);`).join('\n    ')}

    // A bound that is the same for all threads, also to the compiler's knowledge: barriers want that.
    for (var round = 0; round < uniforms.chunk / ${slice}; round++) {
      let k = first + round * ${slice};
      ${parts.map((part) => load('A', part, tile, transposeA, pitch)).join('\n')}
      ${parts.map((part) => load('B', part, tile, !transposeB, pitch)).join('\n')}
      workgroupBarrier();
      for (var i = 0; i < ${slice}; i++) {
        ${parts.map((i) => `let a${i} = sliceA[i * ${pitch} + ${16 * i} + down];`).join('\n        ')}
        ${parts.map((j) => `let b${j} = sliceB[i * ${pitch} + ${16 * j} + across];`).join('\n        ')}
        ${sums
          .map(({ i, row, j }) => {
            const name = sum(i, row, j);
            return `${name} = fma(vec4<f32>(a${i}[${row}]), b${j}, ${name});`;
          })
          .join('\n        ')}
      }
      workgroupBarrier();
    }
    let startResult = z * uniforms.rows * uniforms.columns;
    ${sums
      .map(
        ({ i, row, j }) =>
          `write(startResult, top + ${64 * i + row} + down * 4, left + ${64 * j} + across * 4, ${sum(i, row, j)});`,
      )
      .join('\n    ')}
  }

  fn write(start : i32, row : i32, column : i32, values : vec4<f32>) {
    if (row >= uniforms.rows) { return; }
    let at = start + row * uniforms.columns + column;
    for (var i = 0; i < 4; i++) {
      if (column + i < uniforms.columns) { result[at + i] = values[i]; }
    }
  }
  `;
}

/** Fills a share of a slice, four numbers per thread; neighbours read neighbouring numbers, whichever way the matrix lies. */
function load(name: 'A' | 'B', part: number, tile: Tile, alongTile: boolean, pitch: number): string {
  const place = `slot${name}${part}`;
  const term = alongTile ? `${place} / ${tile / 4}` : `${place} % ${slice}`;
  const quad = alongTile ? `${place} % ${tile / 4}` : `${place} / ${slice}`;
  const read = (i: number): string =>
    name === 'A'
      ? `readA(startA, top + quad * 4 + ${i}, k + term, end)`
      : `readB(startB, k + term, left + quad * 4 + ${i}, end)`;
  return `{
        let ${place} = thread + ${256 * part};
        let term = ${term};
        let quad = ${quad};
        slice${name}[term * ${pitch} + quad] = vec4<f32>(${[0, 1, 2, 3].map(read).join(', ')});
      }`;
}
