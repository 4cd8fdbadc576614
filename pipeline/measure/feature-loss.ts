/** Features scaled to length 1, row by row, in float64; a row of zeros stays one. x: [N * width] */
export function unitFeatures(x: ArrayLike<number>, width: number): Float64Array {
  const unit = Float64Array.from(x);
  for (let start = 0; start < unit.length; start += width) {
    let squares = 0;
    for (let i = start; i < start + width; i++) squares += unit[i]! ** 2;
    if (squares === 0) continue;
    const scale = 1 / Math.sqrt(squares);
    for (let i = start; i < start + width; i++) unit[i]! *= scale;
  }
  return unit;
}

/**
 * `1 - cos` of two features, from both scaled to length 1 (`unitFeatures`): `||a - b||^2 / 2`, in which nothing cancels where they
 * are near. A row of zeros has no direction: its cosine to anything is 0.
 */
export function featureLoss(a: Float64Array, b: Float64Array, row: number, width: number): number {
  let squares = 0;
  let [ofA, ofB] = [0, 0];
  for (let i = row * width; i < (row + 1) * width; i++) {
    squares += (a[i]! - b[i]!) ** 2;
    ofA += a[i]! ** 2;
    ofB += b[i]! ** 2;
  }
  return ofA === 0 || ofB === 0 ? 1 : squares / 2;
}
