import { join } from 'node:path';
import { folderOrders, inFolderOrder } from '../../../../datasets/classes/folder-order.ts';
import type { Preprocessing } from '../../../../datasets/contract.ts';
import { predictClasses, type PredictedClasses } from '../../../measure/accuracy.ts';
import { bounds, proportionPercent, type SampleInterval } from '../../../measure/interval.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import { fail } from '../../../util/failure.ts';
import { showValue } from '../../../util/foreign-value.ts';
import type { Json } from '../../../util/hash.ts';
import { known } from '../../../util/known.ts';
import { commonFiles, type BatchHandling, type TeacherCheck } from '../artefacts.ts';
import type { ModelClasses, Subset } from '../classes.ts';
import { openSplit, openTeacher, openWholeTeacher, readClasses, readTeacherInfo } from '../open.ts';
import { betterOrder, type BetterOrder } from './better-order.ts';
import { betterPreset, mostTried, type BetterPreset } from './better-preset.ts';

export type CheckSettings = {
  readonly confidence: number;
  readonly imported: boolean;
  readonly subset: Subset | null;
  readonly by: ModelClasses['by'];
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
  const { confidence, imported, subset, by } = settings;
  const { images: access, batchSize, rule, notes } = handling;
  const { architecture, preprocessing } = await readTeacherInfo(context);
  const classes = await readClasses(context);
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
  const { now, preset } = await tryPresets(predict, preprocessing, imported).finally(() => model.dispose());
  const images = now.labels.length;
  const share = (right: (image: number) => boolean) =>
    proportionPercent(now.labels.filter((_, image) => right(image)).length, images, confidence);
  const top1 = share((image) => now.predicted[image] === now.labels[image]);
  if (imported) {
    if (preset !== undefined) refusePreset(preset, preprocessing);
    const order = betterOrder(now, classes.length, namedOrders(classes, by));
    if (order !== undefined) refuseOrder(order, classes, settings, top1, rule);
  }
  const chance = 100 / classes.length;
  if (top1.low <= chance) {
    fail({
      reason: 'gate-failed',
      subject: 'teacher',
      found: `top-1 is ${top1.mean.toFixed(2)} % [${top1.low.toFixed(2)}, ${top1.high.toFixed(2)}] on ${images} selection images; chance is ${chance.toFixed(2)} %`,
      expected: 'a trained teacher, its own classes in its own order, its own preprocessing',
      next: `check teacher.checkpoint, which class is which output (${rule}; teacher.labels, data.classOrder) and data.preprocessing`,
    });
  }
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

/** Predictions with the chosen preparation, and another that is clearly better. */
async function tryPresets(
  predict: (prepared: Preprocessing, most?: number) => Promise<PredictedClasses>,
  chosen: Preprocessing,
  imported: boolean,
): Promise<{ readonly now: PredictedClasses; readonly preset: BetterPreset | undefined }> {
  const now = await predict(chosen);
  if (!imported) return { now, preset: undefined };
  return { now, preset: await betterPreset(chosen, now, (prepared) => predict(prepared, mostTried)) };
}

/** The orders that folders might have been numbered in, as the output of each class. */
function namedOrders(
  classes: readonly string[],
  by: ModelClasses['by'],
): ReadonlyMap<string, readonly number[]> {
  if (by === 'numbers') return new Map();
  return new Map(
    folderOrders.map((name) => {
      const outputs = new Map(inFolderOrder(classes, name).map((folder, output) => [folder, output]));
      return [name, classes.map((folder) => known(outputs, folder))];
    }),
  );
}

function refusePreset({ setting, top1, chosenTop1 }: BetterPreset, { mean, std }: Preprocessing): never {
  return fail({
    reason: 'gate-failed',
    subject: 'teacher, preprocessing',
    found: `top-1 is ${chosenTop1.toFixed(1)} % on the first selection images with mean [${mean.join(', ')}], std [${std.join(', ')}]`,
    expected: `the preprocessing the teacher was trained with; preset "${setting}" reaches ${top1.toFixed(1)} %`,
    next: `--set data.preprocessing=${setting.startsWith('{') ? `'${setting}'` : setting}`,
  });
}

/** Orders that are written out whole in a message have at most as many classes. */
const mostListed = 40;

function refuseOrder(
  { name, outputs, correct }: BetterOrder,
  classes: readonly string[],
  { subset, by }: CheckSettings,
  top1: SampleInterval,
  rule: string,
): never {
  const moved = outputs.flatMap((output, index) => (output === index ? [] : [index]));
  const shown = moved.slice(0, 3).map((index) => {
    const [is, seems] = [index, outputs[index]!].map((place) => subset?.indices[place] ?? place);
    return `${showValue(classes[index])} is taken for output ${is} and seems to be ${seems}`;
  });
  const listed: string[] = [];
  classes.forEach((folder, index) => (listed[outputs[index]!] = JSON.stringify(folder)));
  const inOrder =
    classes.length <= mostListed
      ? `--set 'data.classOrder=[${listed.join(', ')}]'`
      : "data.classFile: FILE with the class folders in the order of the teacher's outputs, one a line";
  const labels =
    by === 'labels' ? 'correct the labels, which say another order (teacher.labels: FILE)' : undefined;
  return fail({
    reason: 'gate-failed',
    subject: 'teacher, order of the classes',
    found: `top-1 is ${top1.mean.toFixed(1)} % on ${top1.images} selection images (${rule}), and ${((100 * correct) / top1.images).toFixed(1)} % with the classes in ${name === undefined ? 'another order' : `the order "${name}"`}`,
    expected: `every class at the teacher's own output; ${shown.join('; ')}${moved.length > 3 ? '; ...' : ''}`,
    next:
      subset !== null
        ? (labels ?? 'correct teacher.labels')
        : [labels, name === undefined ? inOrder : `--set data.classOrder=${name}`]
            .filter((text) => text !== undefined)
            .join(', or '),
  });
}
