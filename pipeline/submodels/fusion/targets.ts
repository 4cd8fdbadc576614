import type { FusionData } from './fusion-task.ts';

/**
 * The labels of N images: those given, else the teacher's best classes.
 * @throws Error where the data has neither: a bug
 */
export function labelsOf(
  data: Pick<FusionData, 'images' | 'labels' | 'teacherLogits'>,
  classes: number,
): Int32Array {
  const { images, labels, teacherLogits } = data;
  if (labels !== undefined) return Int32Array.from(labels);
  if (teacherLogits === undefined) throw new Error('images with neither labels nor logits of the teacher');
  return Int32Array.from({ length: images }, (_, image) => bestClass(teacherLogits, image, classes));
}

/** The first of the largest logits of an image. */
export function bestClass(logits: ArrayLike<number>, image: number, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) {
    if (logits[image * classes + c]! > logits[image * classes + best]!) best = c;
  }
  return best;
}

/** Each row minus its mean, [N, K] in float64: softmax does not see it, and a linear fit has less to explain. */
export function centredLogits(logits: Float32Array, classes: number): Float64Array {
  const result = Float64Array.from(logits);
  for (let start = 0; start < result.length; start += classes) {
    const row = result.subarray(start, start + classes);
    const mean = row.reduce((sum, value) => sum + value, 0) / classes;
    for (let c = 0; c < classes; c++) row[c]! -= mean;
  }
  return result;
}

/** [N, K]: 1 at an image's label. */
export function oneHot(labels: Int32Array, classes: number): Float64Array {
  const result = new Float64Array(labels.length * classes);
  for (const [image, label] of labels.entries()) result[image * classes + label] = 1;
  return result;
}
