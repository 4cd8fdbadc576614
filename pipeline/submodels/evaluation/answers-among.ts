import { argMax } from '../../measure/score-logits.ts';

/**
 * The class with the largest logit among `columns`, for every image, so that models of different outputs are asked the same
 * question. -> [N], classes of the data. Equal logits: the first counts.
 * @param logits [images, outputs]
 * @param classes which class of the data each of the columns stands for
 * @param columns default: the first ones
 */
export function answersAmong(
  logits: Float32Array,
  images: number,
  classes: readonly number[],
  columns: readonly number[] = classes.map((_, index) => index),
): Int32Array {
  const outputs = images === 0 ? 0 : logits.length / images;
  const among = new Float32Array(columns.length);
  return Int32Array.from({ length: images }, (_, row) => {
    columns.forEach((column, place) => (among[place] = logits[row * outputs + column]!));
    return classes[argMax(among, 0, among.length)]!;
  });
}

/** 1 for every image that was given its own class. */
export function correctOf(answers: Int32Array, labels: ArrayLike<number>): Uint8Array {
  return Uint8Array.from(answers, (answer, image) => (answer === labels[image] ? 1 : 0));
}
