import { join } from 'node:path';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { openImageStore } from '../../../submodels/training/image-store.ts';
import { trainSubmodel, type TrainedSubmodel } from '../../../submodels/training/train-submodel.ts';
import { readTensors } from '../../../model/safetensors.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { commonFiles, teacherJob, type BatchHandling } from '../../common/artefacts.ts';
import { fileCheckpoint } from '../../common/checkpoint.ts';
import { openSplit, readTeacherInfo } from '../../common/open.ts';
import { files, sliceJob, targetsJob, teachJob } from '../artefacts.ts';
import type { FleetsConfig } from '../schema.ts';
import { openLearning } from './learning-images.ts';
import { readModel, writeModel, type RunModel } from './model-file.ts';
import { readOutputs } from './model-outputs.ts';
import { readSubset, type SubsetPlace } from './subset.ts';
import { writeFeatures } from './write-features.ts';

export type TrainJobSettings = {
  readonly name: string;
  readonly trains: boolean;
  readonly subset: SubsetPlace;
  /** Its teacher is one of its own. */
  readonly taught: boolean;
  /** Its teacher is asked while it learns. */
  readonly asks: boolean;
  /** What it says of all images is kept for the fusion. */
  readonly features: boolean;
  readonly train: FleetsConfig['train'];
  readonly seed: number;
};

/** `history.json`. A type, not an interface, so that it is JSON. */
export type TrainingHistory = Pick<TrainedSubmodel, 'history' | 'start' | 'best' | 'steps' | 'images'> & {
  /** Of the training, interruptions not counted. */
  readonly seconds: number;
};

/**
 * Retrains one model from how it was cut, by what its teacher said of the images, or says while it learns. Then looks once at
 * all images that the fusion learns from and is chosen by, also of classes that it does not know.
 * Reads: splits, the teacher's outputs, the cut model, its subset. Writes: model, history, and for the fusion
 * features.safetensors. Resumes inside the training.
 */
export async function run(
  { settings, handling }: Job<TrainJobSettings, BatchHandling>,
  context: JobContext,
): Promise<Json> {
  const { name, trains, taught, asks, train, seed } = settings;
  const { images: access, batchSize } = handling;
  const { architecture } = await readTeacherInfo(context);
  const start = await readModel(context.input(sliceJob(name), files.model));
  const subset = await readSubset(context, settings.subset, architecture.classes);
  const learning = await openLearning(context, trains, access);
  const { signal } = context;
  const trained = train.enabled ? await retrain() : undefined;
  const model: RunModel = { architecture: start.architecture, weights: trained?.weights ?? start.weights };
  await writeModel(join(context.folder, files.model), model);
  await writeJsonAtomic(
    join(context.folder, files.history),
    trained === undefined ? null : historyOf(trained),
  );
  if (settings.features) {
    await writeFeatures({
      model,
      learning,
      selection: await openSplit(context, 'selection', access),
      batchSize,
      context,
      place: (part) => files.features(part),
      onProgress: (share) =>
        context.progress({ fraction: 0.9 + 0.1 * share, note: 'features of all images' }),
    });
  }
  return trained === undefined
    ? { trained: false }
    : {
        steps: trained.steps,
        start: trained.start.ownAccuracy,
        best: trained.best.ownAccuracy,
        seconds: historyOf(trained).seconds,
      };

  async function retrain(): Promise<TrainedSubmodel> {
    const told = taught ? teachJob(name) : targetsJob;
    const { count, logits, features } = await readOutputs(context.input(told, files.learningTargets));
    return trainSubmodel({
      name,
      architecture: start.architecture,
      weights: start.weights,
      subset,
      images: openImageStore(learning.items, learning.preparer, { signal }),
      targets: { classes: architecture.classes, width: features.length / count, logits, features },
      ...(asks && { teacher: await readItsTeacher() }),
      settings: train,
      seed,
      signal,
      checkpoint: fileCheckpoint(context.resumeFolder),
      onProgress: ({ fraction, ...rest }) => context.progress({ fraction: 0.9 * fraction, ...rest }),
    });
  }

  async function readItsTeacher(): Promise<RunModel> {
    if (taught) return readModel(context.input(teachJob(name), files.model));
    const { tensors: weights } = await readTensors(context.input(teacherJob, commonFiles.teacher));
    return { architecture, weights };
  }
}

function historyOf({ history, start, best, steps, images }: TrainedSubmodel): TrainingHistory {
  return { history, start, best, steps, images, seconds: history.at(-1)?.seconds ?? 0 };
}
