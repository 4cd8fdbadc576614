/** Against max(1, largest |expected|), so that blocks with large outputs are held to the same relative bound. */
export function largestDifference(found: Float32Array, expected: Float32Array): number {
  let scale = 1;
  let worst = found.length === expected.length ? 0 : Infinity;
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]));
    const difference = Math.abs(found[i] - expected[i]);
    if (Number.isNaN(difference)) return Infinity;
    worst = Math.max(worst, difference);
  }
  return worst / scale;
}
