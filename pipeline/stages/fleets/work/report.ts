import { join } from 'node:path';
import type { OpenSplit } from '../../../../datasets/batches.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { pixelsPerImage } from '../../../model/architecture.ts';
import type { ModelTensors } from '../../../model/backbone.ts';
import { modelCosts } from '../../../model/costs.ts';
import { uploadTeacher } from '../../../model/upload.ts';
import { answersFile, writeAnswers } from '../../../report/answers.ts';
import { answersAmong, correctOf } from '../../../submodels/evaluation/answers-among.ts';
import { correctAmong } from '../../../submodels/evaluation/correct-among.ts';
import { top1 } from '../../../submodels/evaluation/compare.ts';
import { loadEngine, type EngineName } from '../../../tensor/engine.ts';
import { writeFileAtomic, writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { indices, type BatchHandling } from '../../common/artefacts.ts';
import type { Subset } from '../../common/classes.ts';
import {
  openSplit,
  openTeacher,
  openWholeTeacher,
  readSources,
  readSplit,
  readTeacherInfo,
} from '../../common/open.ts';
import { answerNames } from '../answer-names.ts';
import { files, packageJob } from '../artefacts.ts';
import type { EnergyRates } from '../energy.ts';
import type { FleetsMethod, FleetsReport } from '../report-file.ts';
import { reportText } from '../report-text.ts';
import type { Judged } from './judge-submodel.ts';
import { rowsOf } from './model-outputs.ts';
import { reportFleet, type ReportedFleet, type ReportedOf } from './report-fleet.ts';
import { outputsOf } from './targets.ts';

export type ReportSettings = {
  readonly method: FleetsMethod;
  readonly seed: number;
  readonly confidence: number;
  /** The part of the teacher that is used; null for all of it. */
  readonly subset: Subset | null;
  /** What people call the classes. */
  readonly classes: readonly string[];
  readonly fleets: readonly ReportedFleet[];
  /** Of the method `devit`; null for others. */
  readonly energy: EnergyRates | null;
};

export type ReportHandling = BatchHandling & {
  /** Of the run, for the title. */
  readonly name: string;
};

/**
 * Touches the test split, once: the teacher, every sub-model as it was cut and retrained, every fusion, whole and with
 * each device lost, and the models to compare with.
 * Reads: test split, teacher, and of every fleet what its jobs made. Writes: report.json, report.md, and answers.json, what
 * each of them said of every image.
 * Costs: a forward pass for each model.
 */
export async function run(
  { settings, handling }: Job<ReportSettings, ReportHandling>,
  context: JobContext,
): Promise<Json> {
  const { method, seed, confidence, classes, fleets, energy } = settings;
  const { architecture } = await readTeacherInfo(context);
  const { sizeBytes, macs } = modelCosts(architecture);
  const { imageSize, channels } = architecture;
  const imageBytes = pixelsPerImage(imageSize, channels);
  const facts = energy === null ? undefined : { energy, teacherMacs: macs, imageBytes };
  const split = await openSplit(context, 'test', handling.images);
  const { test } = await readSources(context);
  const engine = await loadEngine(context.engine as EngineName);
  const there = fleets.filter(
    ({ name }) => context.optionalInput(packageJob(name), files.deployment) !== undefined,
  );
  const images = split.items.length;
  const judge = await judgeOf(split, settings, handling, context);
  const reported: ReportedOf[] = [];
  if (images > 0) {
    for (const [index, fleet] of there.entries()) {
      reported.push(await reportFleet(fleet, judge, facts, context));
      context.progress({ fraction: (index + 1) / there.length, note: fleet.name });
    }
  }
  const percent = (correct: Uint8Array) => (images === 0 ? null : top1(correct, confidence));
  const report: FleetsReport = {
    kind: method,
    run: handling.name,
    images,
    seed,
    engine: `${engine.version} on ${engine.device}`,
    confidence,
    classes,
    teacher: {
      sizeBytes,
      macs,
      restrictedPercent: percent(judge.teacherCorrect),
      ...(judge.unrestrictedCorrect && { unrestrictedPercent: percent(judge.unrestrictedCorrect) }),
    },
    imageBytes,
    flattered: test.mayBeTrainedOn,
    fleets: reported.map((one) => one.report),
    missing: fleets.filter((fleet) => !there.includes(fleet)).map(({ name }) => name),
  };
  await writeJsonAtomic(join(context.folder, files.report), report);
  await writeFileAtomic(join(context.folder, files.reportText), reportText(report));
  const { sha256 } = await readSplit(context, 'test');
  const models: ReportedOf['answers'] = [
    [answerNames.teacher, judge.teacherAnswers],
    ...reported.flatMap(({ answers }) => answers),
  ];
  await writeAnswers(join(context.folder, answersFile), {
    split: sha256,
    labels: [...judge.labels],
    models: Object.fromEntries(models.map(([name, answers]) => [name, [...answers]])),
  });
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
  const look = (model: ModelTensors, items = split.items) =>
    outputsOf(model, split, items, batchSize, context.signal);
  const { logits, count } = await look(teacher).finally(() => teacher.dispose());
  const all = indices(classes.length);
  // Of a teacher that a part is used of, where its classes are.
  const columns = subset?.indices ?? all;
  const own = labels.map((label) => columns[label]!);
  const teacherAnswers = answersAmong(logits, labels.length, all, columns);
  return {
    labels,
    confidence,
    teacherAnswers,
    teacherCorrect: correctOf(teacherAnswers, labels),
    ...(subset && { unrestrictedCorrect: correctAmong(logits, own, indices(subset.of)) }),
    teacherAmong: (rows, among) =>
      correctAmong(
        rowsOf(logits, count, rows),
        rows.map((row) => labels[row]!),
        among,
        among.map((one) => columns[one]!),
      ),
    async outputs({ weights, architecture }, rows) {
      const model = uploadTeacher(weights, architecture);
      const items = rows?.map((row) => split.items[row]!);
      return look(model, items).finally(() => model.dispose());
    },
  };
}
