/** The teacher's most likely class of every image. */
export function likeliestLabels(logits: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: logits.length / classes }, (_, image) => {
    const row = logits.subarray(image * classes, (image + 1) * classes);
    return row.indexOf(row.reduce((a, b) => Math.max(a, b), -Infinity));
  });
}
