import { join } from 'node:path';
import { inspectCheckpoint } from '../../../checkpoint/inspect.ts';
import { readTeacher } from '../../../checkpoint/teacher-file.ts';
import type { Config } from '../../../config/schema.ts';
import type { Architecture } from '../../../model/architecture.ts';
import { modelCosts } from '../../../model/costs.ts';
import { initialWeights } from '../../../model/initial-weights.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { divideImages } from '../../../submodels/training/held-out-images.ts';
import { outputCount, restrictLogits } from '../../../submodels/training/subset-outputs.ts';
import type { ClassSubset } from '../../../submodels/training/training-task.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import { canonicalJson, type Json } from '../../../util/hash.ts';
import { random } from '../../../util/random.ts';
import type { BatchHandling, Plain } from '../../common/artefacts.ts';
import { indices } from '../../common/artefacts.ts';
import { readTeacherInfo } from '../../common/open.ts';
import { files, targetsJob, teachJob } from '../../fleets/artefacts.ts';
import { openLearning } from '../../fleets/work/learning-images.ts';
import { writeModel, type RunModel } from '../../fleets/work/model-file.ts';
import { readOutputs, rowsOf } from '../../fleets/work/model-outputs.ts';
import { cutFor, run as cutTeacher, type SliceJobSettings } from '../../fleets/work/slice.ts';
import { readSubset } from '../../fleets/work/subset.ts';
import { pixelsOf } from '../../fleets/work/targets.ts';
import { withFittedHead } from './fitted-head.ts';

/** What a training starts from. A type, not an interface, so that it is JSON. */
export type StartSettings =
  | { readonly from: 'teacher' }
  | {
      readonly from: 'checkpoint';
      /** With an output for every class of the data. */
      readonly architecture: Plain<Architecture>;
      readonly cut: boolean;
      readonly hints: Config['teacher']['hints'];
      readonly names?: NonNullable<Config['teacher']['names']>;
    }
  | { readonly from: 'random'; readonly architecture: Plain<Architecture> };

/** Where a checkpoint is; its content is known from the job's files. */
export type StartHandling = {
  readonly checkpoint: string;
  readonly architectureName: string | null;
};

type StartJob = Job<
  SliceJobSettings & { readonly start: StartSettings },
  BatchHandling & Partial<StartHandling>
>;

/**
 * What the training of a sub-model starts from: cut out of its teacher, another pretrained model with a new head, as it is or cut
 * further, or weights drawn at random. The new head is fitted in closed form to what the teacher says of the learning images.
 * Reads: splits, teacher, the subset, what the teacher said. Writes: the model, and slice.json.
 */
export function run(job: StartJob, context: JobContext): Promise<Json> {
  const { start } = job.settings;
  if (start.from === 'teacher') return cutTeacher(job, context);
  return start.from === 'random'
    ? drawStart(start.architecture, job, context)
    : readStart(start, job, context);
}

async function drawStart(
  architecture: Architecture,
  { settings }: StartJob,
  context: JobContext,
): Promise<Json> {
  const { name, seed } = settings;
  const outputs = outputCount(await subsetOf(settings, context));
  const own = { ...architecture, classes: outputs };
  const drawn = random(seed, 'student', name).integer(2 ** 31);
  return finish({ architecture: own, weights: initialWeights(own, drawn) }, { from: 'random' }, context);
}

async function readStart(
  start: Extract<StartSettings, { from: 'checkpoint' }>,
  job: StartJob,
  context: JobContext,
): Promise<Json> {
  const { settings, handling } = job;
  const subset = await subsetOf(settings, context);
  const { classes } = await readTeacherInfo(context).then(({ architecture }) => architecture);
  const whole = await readStudent(start, handling);
  // Before a cut it answers about every class, as the teacher does.
  const asked: ClassSubset = start.cut ? { classes: indices(classes), other: false } : subset;
  const model = await fitHead(whole, asked, job, context);
  if (start.cut) return cutFor(model, job, context);
  return finish(model, { from: 'checkpoint', head: 'ridge' }, context);
}

/** The weights of the file, whatever the head. @throws Error where it is not the model that was planned */
async function readStudent(
  { architecture, hints, names }: Extract<StartSettings, { from: 'checkpoint' }>,
  { checkpoint, architectureName }: StartJob['handling'],
): Promise<RunModel> {
  if (checkpoint === undefined) throw new Error('a student from a checkpoint needs its path');
  const inspection = await inspectCheckpoint(checkpoint, {
    architectureName: architectureName ?? undefined,
    hints,
    names,
  });
  const found = { ...inspection.architecture, classes: architecture.classes };
  if (canonicalJson(found) !== canonicalJson({ ...architecture })) {
    throw new Error(`${checkpoint} is not the model that was planned`);
  }
  return { architecture: inspection.architecture, weights: await readTeacher(inspection) };
}

async function fitHead(
  student: RunModel,
  subset: ClassSubset,
  { settings, handling }: StartJob,
  context: JobContext,
): Promise<RunModel> {
  const { name, taught, trains, heldOut, slice, seed } = settings;
  const { images: access, batchSize } = handling;
  const told = taught ? teachJob(name) : targetsJob;
  const { count, logits } = await readOutputs(context.input(told, files.learningTargets));
  const learning = await openLearning(context, trains, access);
  const { training } = divideImages(
    learning.items.map(({ label }) => label),
    heldOut,
    seed,
  );
  const rows = [...training];
  const items = rows.map((row) => learning.items[row]!);
  context.progress({ fraction: 0, note: 'features of the student' });
  return withFittedHead(student, pixelsOf(learning, items, batchSize), {
    targets: restrictLogits(rowsOf(logits, count, rows), logits.length / count, subset),
    outputs: outputCount(subset),
    ridge: slice.ridge,
    signal: context.signal,
  });
}

async function subsetOf({ subset }: SliceJobSettings, context: JobContext): Promise<ClassSubset> {
  const { architecture } = await readTeacherInfo(context);
  return readSubset(context, subset, architecture.classes);
}

async function finish(model: RunModel, report: Json, context: JobContext): Promise<Json> {
  await writeModel(join(context.folder, files.model), model);
  await writeJsonAtomic(join(context.folder, files.sliceReport), report);
  const { params, macs } = modelCosts(model.architecture);
  return { ...(report as object), params, macs, width: model.architecture.width };
}
