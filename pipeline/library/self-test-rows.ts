/**
 * What a block is given of the input [n, D]: where its own stream is narrower than the model's widest, the first `width` numbers of
 * every row. -> [n, width]
 */
export function selfTestRows(input: Float32Array, modelWidth: number, width: number): Float32Array {
  if (width === modelWidth) return input;
  const rows = input.length / modelWidth;
  const result = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    result.set(input.subarray(row * modelWidth, row * modelWidth + width), row * width);
  }
  return result;
}
