import * as tf from '@tensorflow/tfjs-core';
import type { Random } from '../../util/random.ts';
import { presentFeatures } from './present-features.ts';
import type { TowerConfig } from './schema.ts';
import type { TowerBatch } from './tower-step.ts';

/** What towers are trained on, in memory. */
export interface TowerExamples {
  readonly images: number;
  /** [N, F] standardised. */
  readonly x: Float32Array;
  /** [N] */
  readonly labels: Int32Array;
  /** [N, K] probabilities at the temperature. */
  readonly teacher?: Float32Array | undefined;
  readonly widths: readonly number[];
  readonly classes: number;
}

/**
 * The images `rows` as a batch, with what chance decides: which images miss one sub-model, which units drop out. Caller disposes.
 * @param hidden units by hidden layer
 */
export function towerBatch(
  { x, labels, teacher, widths, classes }: TowerExamples,
  rows: ArrayLike<number>,
  hidden: readonly number[],
  { absence, dropout }: Pick<TowerConfig, 'absence' | 'dropout'>,
  chance: Random,
): TowerBatch {
  const count = rows.length;
  const width = widths.reduce((sum, own) => sum + own, 0);
  const features = new Float32Array(count * width);
  const hot = new Float32Array(count * classes);
  const certain = new Float32Array(count * classes);
  for (let row = 0; row < count; row++) {
    const image = rows[row]!;
    features.set(x.subarray(image * width, (image + 1) * width), row * width);
    hot[row * classes + labels[image]!] = 1;
    if (teacher !== undefined) {
      certain.set(teacher.subarray(image * classes, (image + 1) * classes), row * classes);
    }
  }
  const present = presentFeatures(count, widths, absence, chance);
  const shape = [count, classes] as const;
  return {
    x: tf.tensor2d(features, [count, width]),
    present: absence > 0 && widths.length > 1 ? tf.tensor2d(present, [count, width]) : undefined,
    labels: tf.tensor2d(hot, [...shape]),
    teacher: teacher === undefined ? undefined : tf.tensor2d(certain, [...shape]),
    kept:
      dropout === 0
        ? []
        : hidden.map((units) =>
            tf.tensor2d(
              Float32Array.from({ length: count * units }, () =>
                chance.next() < dropout ? 0 : 1 / (1 - dropout),
              ),
              [count, units],
            ),
          ),
  };
}

export function disposeBatch({ x, present, labels, teacher, kept }: TowerBatch): void {
  tf.dispose([x, labels, ...(present ? [present] : []), ...(teacher ? [teacher] : []), ...kept]);
}
