import { join } from 'node:path';
import type { OpenSplit } from '../../../../datasets/batches.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { pixelsPerImage } from '../../../model/architecture.ts';
import { modelCosts } from '../../../model/costs.ts';
import { uploadTeacher } from '../../../model/upload.ts';
import { correctAmong } from '../../../submodels/evaluation/correct-among.ts';
import { top1 } from '../../../submodels/evaluation/compare.ts';
import { writeFileAtomic, writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { indices, type BatchHandling } from '../../common/artefacts.ts';
import type { Subset } from '../../common/classes.ts';
import { openSplit, openTeacher, openWholeTeacher, readSources, readTeacherInfo } from '../../common/open.ts';
import { files, packageJob, type Baseline } from '../artefacts.ts';
import type { EdVitReport } from '../report-file.ts';
import { reportText } from '../report-text.ts';
import type { RunModel } from './model-file.ts';
import type { ModelOutputs } from './model-outputs.ts';
import { reportFleet, type Judged } from './report-fleet.ts';
import { outputsOf } from './targets.ts';

export type ReportedFleet = {
  readonly name: string;
  readonly submodels: readonly { readonly name: string; readonly device: string }[];
  readonly baselines: readonly { readonly name: string; readonly kind: Baseline }[];
};

export type ReportSettings = {
  readonly seed: number;
  readonly confidence: number;
  /** The part of the teacher that is used; null for all of it. */
  readonly subset: Subset | null;
  /** What people call the classes. */
  readonly classes: readonly string[];
  readonly fleets: readonly ReportedFleet[];
};

export type ReportHandling = BatchHandling & {
  /** Of the run, for the title. */
  readonly name: string;
};

/**
 * Touches the test split, once: the teacher, every sub-model as it was cut and retrained, every fusion, whole and with
 * each device lost, and the models to compare with.
 * Reads: test split, teacher, and of every fleet what its jobs made. Writes: report.json and report.md.
 * Costs: a forward pass for each model.
 */
export async function run(
  { settings, handling }: Job<ReportSettings, ReportHandling>,
  context: JobContext,
): Promise<Json> {
  const { seed, confidence, subset, classes, fleets } = settings;
  const { architecture } = await readTeacherInfo(context);
  const split = await openSplit(context, 'test', handling.images);
  const { test } = await readSources(context);
  const there = fleets.filter(({ name }) => context.optionalInput(packageJob(name)) !== undefined);
  const images = split.items.length;
  const judge = await judgeOf(split, settings, handling, context);
  const reported: EdVitReport['fleets'][number][] = [];
  if (images > 0) {
    for (const [index, fleet] of there.entries()) {
      reported.push(await reportFleet(fleet, judge, context));
      context.progress({ fraction: (index + 1) / there.length, note: fleet.name });
    }
  }
  const { sizeBytes, macs } = modelCosts(architecture);
  const { imageSize, channels } = architecture;
  const chance = { mean: 0, low: 0, high: 0 };
  const report: EdVitReport = {
    kind: 'ed-vit',
    run: handling.name,
    images,
    seed,
    engine: String(context.engine),
    confidence,
    classes,
    teacher: {
      sizeBytes,
      macs,
      restrictedPercent: images === 0 ? chance : top1(judge.teacherCorrect, confidence),
      ...(images > 0 &&
        subset !== null && { unrestrictedPercent: top1(judge.unrestrictedCorrect, confidence) }),
    },
    imageBytes: pixelsPerImage(imageSize, channels),
    flattered: test.mayBeTrainedOn,
    fleets: reported,
    missing: fleets.filter((fleet) => !there.includes(fleet)).map(({ name }) => name),
  };
  await writeJsonAtomic(join(context.folder, files.report), report);
  await writeFileAtomic(join(context.folder, files.reportText), reportText(report));
  return { images, fleets: reported.length };
}

/** The test images, and what the teacher says of them. */
async function judgeOf(
  split: OpenSplit,
  { confidence, subset, classes }: ReportSettings,
  { batchSize }: ReportHandling,
  context: JobContext,
): Promise<Judged> {
  const labels = Int32Array.from(split.items, ({ label }) => label);
  const teacher = subset === null ? await openTeacher(context) : await openWholeTeacher(context, subset);
  let outputs: ModelOutputs;
  try {
    outputs = await outputsOf(teacher, split, split.items, batchSize, context.signal);
  } finally {
    teacher.dispose();
  }
  const all = indices(classes.length);
  const columns = subset?.indices ?? all;
  const whole = indices(subset?.of ?? classes.length);
  return {
    labels,
    confidence,
    teacherCosts: modelCosts((await readTeacherInfo(context)).architecture),
    teacherCorrect: correctAmong(outputs.logits, labels, all, columns),
    unrestrictedCorrect: correctAmong(
      outputs.logits,
      labels.map((label) => columns[label]!),
      whole,
    ),
    teacherAmong(rows, among) {
      const width = outputs.count === 0 ? 0 : outputs.logits.length / outputs.count;
      const own = rows.map((row) => outputs.logits.subarray(row * width, (row + 1) * width));
      return correctAmong(
        concatenated(own, width),
        rows.map((row) => labels[row]!),
        among,
        among.map((one) => columns[one]!),
      );
    },
    async outputs({ weights, architecture }: RunModel, rows) {
      const model = uploadTeacher(weights, architecture);
      try {
        const items = rows?.map((row) => split.items[row]!) ?? split.items;
        return await outputsOf(model, split, items, batchSize, context.signal);
      } finally {
        model.dispose();
      }
    },
  };
}

function concatenated(rows: readonly Float32Array[], width: number): Float32Array {
  const all = new Float32Array(rows.length * width);
  rows.forEach((row, index) => all.set(row, index * width));
  return all;
}
