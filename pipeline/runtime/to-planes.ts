/** One image [S, S, C] -> [C, S, S]. */
export function toPlanes(pixels: Float32Array, channels: number): Float32Array {
  const plane = pixels.length / channels;
  const result = new Float32Array(pixels.length);
  for (let i = 0, at = 0; i < plane; i++) {
    for (let c = 0; c < channels; c++) result[c * plane + i] = pixels[at++]!;
  }
  return result;
}
