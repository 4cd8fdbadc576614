import { join } from 'node:path';
import type { Preprocessing } from '../../../../datasets/contract.ts';
import { predictClasses } from '../../../measure/accuracy.ts';
import type { IndexKind } from '../../../measure/index-file.ts';
import { bounds, proportionPercent } from '../../../measure/interval.ts';
import { isClassifier } from '../../../model/architecture.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import { fail } from '../../../util/failure.ts';
import { showValue } from '../../../util/foreign-value.ts';
import type { Json } from '../../../util/hash.ts';
import { commonFiles, type BatchHandling, type TeacherCheck } from '../artefacts.ts';
import type { ModelClasses, Subset } from '../classes.ts';
import { openSplit, openTeacher, openWholeTeacher, readClasses, readTeacherInfo } from '../open.ts';
import { betterFacts, mostTried } from './better-facts.ts';
import { betterOrder, type Levels, type Predictions } from './better-order.ts';
import { checkChance, commonestClass } from './check-chance.ts';
import { checkFeatures } from './check-features.ts';
import { namedOrders } from './named-orders.ts';
import { unseenOrder } from './order-power.ts';
import { refuseFacts } from './refuse-facts.ts';

export type CheckSettings = {
  readonly confidence: number;
  readonly imported: boolean;
  readonly subset: Subset | null;
  readonly by: ModelClasses['by'];
  /** Where the teacher is no classifier. */
  readonly kind?: IndexKind | undefined;
};

/** What is said of the classes, with files that may lie anywhere. */
export type CheckHandling = BatchHandling & Pick<ModelClasses, 'rule' | 'notes'>;

/**
 * Measures the teacher on the selection split.
 * Reads: selection split, teacher. Writes: check.json. Costs: a forward pass of its images, and where some are wrong of a
 * few hundred of them for each preset that is tried.
 * @throws BlockForgeError `gate-failed` where another preparation of the images or another order of the classes is clearly
 * better, and where the teacher is no better than chance; `data-invalid` where it has other classes than the data
 */
export async function checkTeacher(
  { settings, handling }: Job<CheckSettings, CheckHandling>,
  context: JobContext,
): Promise<Json> {
  const { confidence, imported, subset, by, kind = 'k-nn' } = settings;
  const { images: access, batchSize, rule, notes } = handling;
  const { architecture, preprocessing } = await readTeacherInfo(context);
  const classes = await readClasses(context);
  if (!isClassifier(architecture)) return checkFeatures({ kind, confidence, by }, handling, classes, context);
  if (classes.length !== architecture.classes) {
    fail({
      reason: 'data-invalid',
      subject: 'data',
      found: `${classes.length} classes in the data, ${architecture.classes} in the teacher`,
      expected: 'the same classes in the same order (folders sorted by name are classes 0, 1, 2, ...)',
      next: "point data.path at data with the teacher's classes",
    });
  }
  for (const note of notes) context.warn(note);
  const model = subset === null ? await openTeacher(context) : await openWholeTeacher(context, subset);
  const predict = async (prepared: Preprocessing, most = Infinity) => {
    const split = await openSplit(context, 'selection', access, prepared);
    const batches = split.tensorBatches(split.items.slice(0, most), batchSize);
    return predictClasses(model, batches, subset?.indices ?? null, context.signal);
  };
  const orderOf = (found: Predictions, levels: Levels) =>
    betterOrder(found, classes.length, namedOrders(classes, by), levels);
  const look = async () => {
    const now = await predict(preprocessing);
    if (!imported) return { now, better: {} };
    const better = await betterFacts(preprocessing, now, (other) => predict(other, mostTried), orderOf);
    return { now, better };
  };
  const { now, better } = await look().finally(() => model.dispose());
  const images = now.labels.length;
  const share = (right: (image: number) => boolean) =>
    proportionPercent(now.labels.filter((_, image) => right(image)).length, images, confidence);
  const top1 = share((image) => now.predicted[image] === now.labels[image]);
  refuseFacts(better, { classes, subset, by, rule, top1, preprocessing });
  const commonest = commonestClass(now.labels);
  const next = `check teacher.checkpoint, which class is which output (${rule}; teacher.labels, data.classOrder) and data.preprocessing`;
  checkChance(now, top1, commonest, { classes, confidence, name: 'top-1', next });
  if (top1.mean < 100 * commonest.share) {
    context.warn(
      `top-1 is ${top1.mean.toFixed(1)} %, less than the share of class ${showValue(classes[commonest.index])} among the images (${(100 * commonest.share).toFixed(1)} %)`,
    );
  }
  if (imported && by !== 'labels') warnOfOrder(now, classes.length, context);
  const unrestricted =
    subset && share((image) => now.unrestricted[image] === subset.indices[now.labels[image]!]);
  const check: TeacherCheck = {
    images,
    top1: bounds(top1),
    ...(unrestricted && { unrestrictedTop1: bounds(unrestricted) }),
  };
  await writeJsonAtomic(join(context.folder, commonFiles.check), check);
  return {
    images,
    top1: top1.mean,
    low: top1.low,
    high: top1.high,
    ...(unrestricted && { unrestrictedTop1: unrestricted.mean }),
    classes: rule,
  };
}

function warnOfOrder(now: Predictions, count: number, context: JobContext): void {
  const unseen = unseenOrder(now, count);
  if (unseen === undefined) return;
  const missed = unseen === 'all' ? 'a wrong order of the classes' : 'an exchange of two classes';
  context.warn(
    `${missed} would not be noticed with ${now.labels.length} selection images for ${count.toLocaleString('en')} classes: more images (data.splits.selection), or teacher.labels, would tell`,
  );
}
