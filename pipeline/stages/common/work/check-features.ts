import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { bounds, proportionPercent } from '../../../measure/interval.ts';
import { measureNames, type MeasureKind } from '../../../measure/measure-names.ts';
import { forward } from '../../../model/encoder.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import { showValue } from '../../../util/foreign-value.ts';
import type { Json } from '../../../util/hash.ts';
import { commonFiles, type BatchHandling, type TeacherCheck } from '../artefacts.ts';
import { openJudge, openSplit, openTeacher } from '../open.ts';
import { inOrder } from '../check-embeddings.ts';
import type { ModelClasses } from '../classes.ts';
import { betterOrder, type BetterOrder } from './better-order.ts';
import { checkChance, commonestClass } from './check-chance.ts';
import { namedOrders } from './named-orders.ts';

/**
 * Measures a teacher without a classifier on the selection split, by the classes that its features get. Whether its images are prepared
 * as it was trained is not tried: nothing says what its features should be. Warns where rows of text embeddings in another order are right
 * clearly more often; words may mislead a model about a few classes, so that is no reason to stop.
 * @throws BlockForgeError `gate-failed` where these classes are no better than chance
 */
export async function checkFeatures(
  {
    kind,
    confidence,
    by,
  }: { readonly kind: MeasureKind; readonly confidence: number; readonly by: ModelClasses['by'] },
  { images: access, batchSize }: BatchHandling,
  classes: readonly string[],
  context: JobContext,
): Promise<Json> {
  const split = await openSplit(context, 'selection', access);
  const judge = await openJudge(context);
  const model = await openTeacher(context);
  const labels: number[] = [];
  const predicted: number[] = [];
  try {
    for await (const batch of split.tensorBatches(split.items, batchSize)) {
      const answers = tf.tidy(() => forward(model, batch.pixels).logits);
      predicted.push(...judge.said(await answers.data<'float32'>(), batch.labels).chosen);
      labels.push(...batch.labels);
      tf.dispose([answers, batch.pixels]);
      context.signal.throwIfAborted();
    }
  } finally {
    model.dispose();
    judge.dispose();
  }
  const images = labels.length;
  const correct = labels.filter((label, image) => label === predicted[image]).length;
  const top1 = proportionPercent(correct, images, confidence);
  const { top1: name } = measureNames(kind);
  const order =
    kind === 'zero-shot'
      ? betterOrder({ labels, predicted }, classes.length, namedOrders(classes, by))
      : undefined;
  const moved = order && describeRows(order, classes, images);
  const next =
    kind === 'k-nn'
      ? 'check teacher.checkpoint and data.preprocessing, or give more calibration images, which vote'
      : `check teacher.checkpoint, data.preprocessing and that teacher.textEmbeddings are in the order of the data's classes (${inOrder(classes)})${moved === undefined ? '' : `: ${moved}`}`;
  checkChance({ labels, predicted }, top1, commonestClass(labels), { classes, confidence, name, next });
  if (moved !== undefined) {
    context.warn(
      `${name} is ${top1.mean.toFixed(1)} % with teacher.textEmbeddings in the order of the data's classes (${inOrder(classes)}), and ${moved}`,
    );
  }
  const check: TeacherCheck = { images, top1: bounds(top1) };
  await writeJsonAtomic(join(context.folder, commonFiles.check), check);
  return { images, measure: name, top1: top1.mean, low: top1.low, high: top1.high };
}

/** What another order of the rows would give, and the first rows that it moves. */
function describeRows(
  { name, outputs, correct }: BetterOrder,
  classes: readonly string[],
  images: number,
): string {
  const moves = outputs.flatMap((row, index) => (row === index ? [] : [`row ${row} (from 0) seems to be of ${showValue(classes[index])}`])); // prettier-ignore
  const shown = moves.slice(0, 3).join(', ');
  return `${((100 * correct) / images).toFixed(1)} % in ${name === undefined ? 'another order' : `the order "${name}" of the classes`}: ${shown}${moves.length > 3 ? ', ...' : ''}`;
}
