/**
 * [K, K] row-major: the teacher's mean probability of class j on images of class i, softmax over these K classes alone.
 * A class without images has a row of zeros.
 * @param logits [N, K] of the teacher, restricted to the classes
 * @param labels [N], below K
 */
export function confusionMatrix(
  logits: Float32Array,
  labels: ArrayLike<number>,
  classes: number,
): Float64Array {
  const sums = new Float64Array(classes * classes);
  const counts = new Float64Array(classes);
  const row = new Float64Array(classes);
  for (let image = 0; image < labels.length; image++) {
    const from = image * classes;
    const to = labels[image]! * classes;
    let largest = -Infinity;
    for (let c = 0; c < classes; c++) largest = Math.max(largest, logits[from + c]!);
    let total = 0;
    for (let c = 0; c < classes; c++) total += row[c] = Math.exp(logits[from + c]! - largest);
    for (let c = 0; c < classes; c++) sums[to + c]! += row[c]! / total;
    counts[labels[image]!]!++;
  }
  return sums.map((sum, index) => sum / Math.max(1, counts[Math.floor(index / classes)]!));
}

/** `(C + C') / 2` with an empty diagonal: how often two different classes are taken for one another. */
export function symmetricConfusion(confusion: Float64Array, classes: number): Float64Array {
  const result = new Float64Array(classes * classes);
  for (let i = 0; i < classes; i++) {
    for (let j = 0; j < classes; j++) {
      if (i !== j) result[i * classes + j] = (confusion[i * classes + j]! + confusion[j * classes + i]!) / 2;
    }
  }
  return result;
}
