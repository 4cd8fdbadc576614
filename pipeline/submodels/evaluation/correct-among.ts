import { answersAmong, correctOf } from './answers-among.ts';

/**
 * 1 for every image whose largest logit among `columns` is its own class's: `answersAmong`, judged.
 * @param logits [N, outputs]
 * @param labels [N], classes of the data
 * @param classes which class of the data each of the columns stands for
 * @param columns default: the first ones
 */
export function correctAmong(
  logits: Float32Array,
  labels: ArrayLike<number>,
  classes: readonly number[],
  columns?: readonly number[],
): Uint8Array {
  return correctOf(answersAmong(logits, labels.length, classes, columns), labels);
}
