import * as tf from '@tensorflow/tfjs-core';
import { random } from '../../util/random.ts';
import { presentFeatures } from '../fusion/present-features.ts';
import type { SubmodelBatch } from '../training/training-batches.ts';
import type { EnsembleData } from './as-one-model.ts';
import { widthsOf } from './begin-run.ts';
import type { EnsembleBatch } from './ensemble-step.ts';
import type { EnsembleTask } from './ensemble-task.ts';

/**
 * A batch as an ensemble takes it: the teacher's tokens as it has them, its best classes, and which sub-models are absent from which
 * images. Takes over the batch's tensors; caller disposes.
 * @param step from 0; with the seed it decides who is absent
 */
export function ensembleBatch(
  task: EnsembleTask,
  { scale }: Pick<EnsembleData, 'scale'>,
  batch: SubmodelBatch,
  step: number,
): EnsembleBatch {
  const { settings, seed, targets } = task;
  const { pixels, targets: said, labels, features, relations } = batch;
  if (features === undefined) throw new Error(`${task.name}: a batch without the teacher's tokens`);
  const widths = widthsOf(task);
  // Of one alone nothing is left.
  const absence = widths.length > 1 ? settings.absence : 0;
  const chance = random(seed, 'ensemble', 'absence', step);
  const present = presentFeatures(batch.count, widths, absence, chance);
  const made = tf.tidy(() => ({
    tokens: tf.add(tf.mul(features, scale.deviation), tf.tensor1d(scale.mean)),
    hard: tf.oneHot(tf.argMax(said, 1), targets.classes).toFloat(),
    present: tf.tensor2d(present, [batch.count, present.length / batch.count]),
  }));
  tf.dispose([features, ...relations]);
  return { pixels, targets: said, labels, ...made };
}

export function disposeBatch({ pixels, targets, labels, tokens, hard, present }: EnsembleBatch): void {
  tf.dispose([pixels, targets, labels, tokens, hard, present]);
}
