import { join } from 'node:path';
import type { Preprocessing } from '../../../../datasets/contract.ts';
import type { Config, TrainSettings } from '../../../config/schema.ts';
import { countCorrect } from '../../../measure/accuracy.ts';
import { bounds, proportionPercent } from '../../../measure/interval.ts';
import type { Architecture } from '../../../model/architecture.ts';
import { inspectCheckpoint } from '../../../checkpoint/inspect.ts';
import { readTeacher, writeTeacher } from '../../../checkpoint/teacher-file.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { trainTeacher } from '../../../train/train-teacher.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import { fail } from '../../../util/failure.ts';
import type { Json } from '../../../util/hash.ts';
import { random } from '../../../util/random.ts';
import {
  commonFiles,
  teacherJob,
  type BatchHandling,
  type ImageHandling,
  type Plain,
  type TeacherCheck,
  type TeacherInfo,
} from '../artefacts.ts';
import { fileCheckpoint } from '../checkpoint.ts';
import { openSplit, openTeacher, readClasses, readTeacherInfo } from '../open.ts';
import { betterPreset } from './better-preset.ts';

export type ModelSettings = {
  readonly hints: Config['teacher']['hints'];
  readonly architecture: Plain<Architecture>;
  readonly preprocessing: Plain<Preprocessing>;
  /** Null where the teacher is imported. */
  readonly train: (TrainSettings & { readonly seed: number }) | null;
};

export type ModelHandling = ImageHandling & {
  readonly checkpoint: string | null;
  readonly architectureName: string | null;
};

export type CheckSettings = { readonly confidence: number; readonly imported: boolean };

type ModelJob = Job<ModelSettings, ModelHandling>;
type CheckJob = Job<CheckSettings, BatchHandling>;

/**
 * `teacher/model` imports the checkpoint into canonical names, or trains a ViT on the train split (resumes per epoch).
 * `teacher/check` measures it on the selection split and stops the run when it is no better than chance or when
 * another preprocessing preset is clearly better: nothing made from such a teacher would be worth keeping.
 */
export function run(job: ModelJob | CheckJob, context: JobContext): Promise<Json> {
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
  });
  for (const note of inspection.notes) context.warn(note);
  await writeTeacher(path, await readTeacher(inspection), architecture, preprocessing);
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

async function checkTeacher({ settings, handling }: CheckJob, context: JobContext): Promise<Json> {
  const { confidence, imported } = settings;
  const { images: access, batchSize } = handling;
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
  const model = await openTeacher(context);
  const score = async (prepared: Preprocessing, most = Infinity) => {
    const split = await openSplit(context, 'selection', access, prepared);
    const items = split.items.slice(0, most);
    const correct = await countCorrect(model, split.tensorBatches(items, batchSize), context);
    return { correct, images: items.length };
  };
  const { correct, images } = await score(preprocessing);
  const top1 = proportionPercent(correct, images, confidence);
  const chance = 100 / classes.length;
  const other = imported ? await betterPreset(preprocessing, top1.high, score) : undefined;
  model.dispose();
  if (other !== undefined) {
    const { mean, std } = preprocessing;
    fail({
      reason: 'gate-failed',
      subject: 'teacher, preprocessing',
      found: `top-1 is ${top1.mean.toFixed(1)} % on the selection split with mean [${mean.join(', ')}], std [${std.join(', ')}]`,
      expected: `the preprocessing the teacher was trained with; preset "${other.name}" reaches ${other.top1.toFixed(1)} %`,
      next: `--set data.preprocessing=${other.name}, or give resize, crop, mean and std explicitly`,
    });
  }
  if (top1.low <= chance) {
    fail({
      reason: 'gate-failed',
      subject: 'teacher',
      found: `top-1 is ${top1.mean.toFixed(2)} % [${top1.low.toFixed(2)}, ${top1.high.toFixed(2)}] on ${images} selection images; chance is ${chance.toFixed(2)} %`,
      expected: 'a trained teacher, its own classes in its own order, its own preprocessing',
      next: "check teacher.checkpoint, the class folders' order and data.preprocessing",
    });
  }
  const check: TeacherCheck = { images, top1: bounds(top1) };
  await writeJsonAtomic(join(context.folder, commonFiles.check), check);
  return { images, top1: top1.mean, low: top1.low, high: top1.high };
}
