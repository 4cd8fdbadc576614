import { join } from 'node:path';
import type { Preprocessing } from '../../../../datasets/contract.ts';
import type { Config, TrainSettings } from '../../../config/schema.ts';
import type { Architecture } from '../../../model/architecture.ts';
import { inspectCheckpoint } from '../../../checkpoint/inspect.ts';
import { restrictClasses } from '../../../checkpoint/restrict-classes.ts';
import { writeSafetensors } from '../../../model/safetensors.ts';
import { readTeacher, writeTeacher } from '../../../checkpoint/teacher-file.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { trainTeacher } from '../../../train/train-teacher.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { random } from '../../../util/random.ts';
import {
  commonFiles,
  teacherIndexJob,
  teacherJob,
  type ImageHandling,
  type Plain,
  type TeacherInfo,
} from '../artefacts.ts';
import { fileCheckpoint } from '../checkpoint.ts';
import type { Subset } from '../classes.ts';
import { openSplit } from '../open.ts';
import { makeIndex, type IndexHandling, type IndexSettings } from './feature-index.ts';
import { addHead, type HeadSettings } from './fit-head.ts';
import { headReading } from '../answering.ts';
import { preparationWarning } from '../preparation-warning.ts';
import { checkTeacher, type CheckHandling, type CheckSettings } from './check-teacher.ts';

export type ModelSettings = {
  readonly hints: Config['teacher']['hints'];
  /** Absent where none are told: runs from before there were any stay as they are. */
  readonly names?: NonNullable<Config['teacher']['names']>;
  readonly architecture: Plain<Architecture>;
  readonly preprocessing: Plain<Preprocessing>;
  /** The part of the teacher that is used; null for all of it. */
  readonly subset: Subset | null;
  /** Null where the teacher is imported. */
  readonly train: (TrainSettings & { readonly seed: number }) | null;
  /** None, a projection, or one that is fitted here; absent: the checkpoint's own. */
  readonly head?: 'none' | 'projection' | HeadSettings | undefined;
};

export type ModelHandling = ImageHandling & {
  readonly checkpoint: string | null;
  readonly architectureName: string | null;
};

type ModelJob = Job<ModelSettings, ModelHandling>;
type IndexJob = Job<IndexSettings, IndexHandling>;
type CheckJob = Job<CheckSettings, CheckHandling>;

/**
 * `teacher/model` imports the checkpoint into canonical names, or trains a ViT on the train split (resumes per epoch).
 * `teacher/index` keeps the features of labelled images where it is no classifier.
 * `teacher/check` measures it on the selection split, and stops the run where another preparation of the images or another
 * order of the classes is clearly better, or it is no better than chance: nothing made from it would be worth keeping.
 */
export function run(job: ModelJob | IndexJob | CheckJob, context: JobContext): Promise<Json> {
  if (job.id === teacherIndexJob) return makeIndex(job as IndexJob, context);
  return job.id === teacherJob
    ? makeTeacher(job as ModelJob, context)
    : checkTeacher(job as CheckJob, context);
}

async function makeTeacher({ settings, handling }: ModelJob, context: JobContext): Promise<Json> {
  const { architecture, preprocessing, train } = settings;
  const info: TeacherInfo = { architecture, preprocessing };
  await writeJsonAtomic(join(context.folder, commonFiles.teacherInfo), info);
  const path = join(context.folder, commonFiles.teacher);
  if (train !== null) return trainHere(train, info, path, handling, context);
  const { checkpoint, architectureName } = handling;
  if (checkpoint === null) throw new Error('a teacher that is not trained here needs a checkpoint');
  const inspection = await inspectCheckpoint(checkpoint, {
    architectureName: architectureName ?? undefined,
    hints: settings.hints,
    names: settings.names,
    ...headReading(settings.head),
  });
  for (const note of inspection.notes) context.warn(note);
  const warning = preparationWarning(preprocessing, inspection);
  if (warning !== undefined) context.warn(warning);
  const whole = await readTeacher(inspection);
  const { subset } = settings;
  if (typeof settings.head === 'object') return addHead(whole, info, settings.head, handling, path, context);
  if (subset === null) await writeTeacher(path, whole, architecture, preprocessing);
  else {
    const { weights, head } = restrictClasses(whole, inspection.architecture, subset.indices);
    await writeTeacher(path, weights, architecture, preprocessing);
    await writeSafetensors(join(context.folder, commonFiles.teacherHead), head);
  }
  return { naming: inspection.naming, files: inspection.files.length };
}

async function trainHere(
  settings: NonNullable<ModelSettings['train']>,
  { architecture, preprocessing }: TeacherInfo,
  path: string,
  { images }: ModelHandling,
  context: JobContext,
): Promise<Json> {
  const { seed } = settings;
  const split = await openSplit(context, 'train', images, preprocessing);
  const shuffled = random(seed, 'train', 'held-out').shuffle([...split.items]);
  const heldOutCount = Math.max(1, Math.round(shuffled.length * settings.heldOut));
  const result = await trainTeacher({
    architecture,
    train: await split.load(shuffled.slice(heldOutCount)),
    heldOut: await split.load(shuffled.slice(0, heldOutCount)),
    mean: preprocessing.mean,
    std: preprocessing.std,
    settings,
    seed,
    signal: context.signal,
    checkpoint: fileCheckpoint(context.resumeFolder),
    onProgress: (progress) => context.progress(progress),
  });
  await writeTeacher(path, result.weights, architecture, preprocessing);
  await writeJsonAtomic(join(context.folder, commonFiles.history), result.history);
  return { epochs: result.history.length, bestEpoch: result.bestEpoch, heldOutTop1: result.bestAccuracy };
}
