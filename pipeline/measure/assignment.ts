/**
 * The permutation of rows to columns with the largest sum, by shortest augmenting paths (R. Jonker, A. Volgenant,
 * Computing 38, 1987, 325-340; the simple form without its initialisation). O(n^3) at worst.
 * @param gains [n, n] row-major, finite
 * @returns the column of each row
 */
export function bestAssignment(gains: ArrayLike<number>, n: number): Int32Array {
  if (gains.length !== n * n) throw new RangeError(`${gains.length} gains are no ${n} x ${n}`);
  // One more row and column at place n: where every search starts.
  const rowPrice = new Float64Array(n + 1);
  const columnPrice = new Float64Array(n + 1);
  const rowOf = new Int32Array(n + 1).fill(-1);
  const previous = new Int32Array(n + 1);
  const distance = new Float64Array(n);
  const visited = new Uint8Array(n + 1);
  for (let row = 0; row < n; row++) {
    rowOf[n] = row;
    distance.fill(Infinity);
    visited.fill(0);
    let column = n;
    while (rowOf[column] !== -1) {
      visited[column] = 1;
      const at = rowOf[column]!;
      let step = Infinity;
      let next = n;
      for (let j = 0; j < n; j++) {
        if (visited[j] === 1) continue;
        const cost = -gains[at * n + j]! - rowPrice[at]! - columnPrice[j]!;
        if (cost < distance[j]!) {
          distance[j] = cost;
          previous[j] = column;
        }
        if (distance[j]! < step) {
          step = distance[j]!;
          next = j;
        }
      }
      for (let j = 0; j <= n; j++) {
        if (visited[j] === 1) {
          rowPrice[rowOf[j]!]! += step;
          columnPrice[j]! -= step;
        } else if (j < n) distance[j]! -= step;
      }
      column = next;
    }
    for (; column !== n; column = previous[column]!) rowOf[column] = rowOf[previous[column]!]!;
  }
  const columns = new Int32Array(n);
  for (let j = 0; j < n; j++) columns[rowOf[j]!] = j;
  return columns;
}
