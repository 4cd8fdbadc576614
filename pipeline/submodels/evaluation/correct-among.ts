import { argMax } from '../../measure/score-logits.ts';

/**
 * 1 for every image whose largest logit among `columns` is its own class's, so that models of different outputs are asked
 * the same question. Equal logits: the first counts.
 * @param logits [N, outputs]
 * @param labels [N], classes of the data
 * @param classes which class of the data each of the columns stands for
 * @param columns default: the first ones
 */
export function correctAmong(
  logits: Float32Array,
  labels: ArrayLike<number>,
  classes: readonly number[],
  columns: readonly number[] = classes.map((_, index) => index),
): Uint8Array {
  const outputs = labels.length === 0 ? 0 : logits.length / labels.length;
  const among = new Float32Array(columns.length);
  return Uint8Array.from({ length: labels.length }, (_, row) => {
    columns.forEach((column, place) => (among[place] = logits[row * outputs + column]!));
    return classes[argMax(among, 0, among.length)] === labels[row] ? 1 : 0;
  });
}
