import type * as tf from '@tensorflow/tfjs-core';
import { stepsWithin } from '../../distill/rate.ts';
import { uploadTeacher } from '../../model/upload.ts';
import { askingOf } from './asking.ts';
import { drawImages } from './epoch-draw.ts';
import { scaleFeature } from './feature-targets.ts';
import { startLift } from './lift.ts';
import { look } from './look.ts';
import { predictFeatures } from './predict-features.ts';
import type { AskedTeacher } from './online-teacher.ts';
import { submodelStep } from './submodel-step.ts';
import { disposeBatch, pixelTensor, stepsPerEpoch, trainingBatches } from './training-batches.ts';
import type { TrainingData } from './training-data.ts';
import { disposeRun, startRun, type SubmodelRun } from './training-run.ts';
import type { TrainingTask } from './training-task.ts';

/** Images that the lift's start is fitted to. */
const liftImages = 1024;

/** A training before its first step. Caller disposes the run. */
export async function beginRun(task: TrainingTask, data: TrainingData): Promise<SubmodelRun> {
  const lift = await fittedLift(task, data);
  return startRun(task.weights, task.architecture, lift, task.settings.averaging !== null);
}

/** From the features of the sub-model as it was cut to the teacher's, on the first images of the first pass. */
async function fittedLift(
  { architecture, weights, images, settings, seed, signal }: TrainingTask,
  { scale, plain, training }: TrainingData,
): Promise<Readonly<Record<string, tf.Tensor>>> {
  const { features } = plain;
  if (scale === undefined || features === undefined) return {};
  const places = drawImages(training, seed, 'epoch', 0).subarray(0, liftImages);
  const aims = new Float32Array(places.length * scale.mean.length);
  places.forEach((place, row) => scaleFeature(features, place, scale, aims, row));
  const found: Float32Array[] = [];
  const model = uploadTeacher(weights, architecture);
  async function* batches() {
    for (let at = 0; at < places.length; at += settings.batchSize) {
      signal.throwIfAborted();
      yield pixelTensor(await images.read(places.subarray(at, at + settings.batchSize)), images);
    }
  }
  try {
    for await (const { features } of predictFeatures(model, batches())) found.push(features);
  } finally {
    model.dispose();
  }
  const own = new Float32Array(found.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of found) {
    own.set(part, at);
    at += part.length;
  }
  return startLift(own, aims, places.length);
}

/** Steps that the settings ask for. Minutes become steps by a few steps and a look of a run that is forgotten. */
export async function plannedSteps(
  task: TrainingTask,
  data: TrainingData,
  began: number,
  teacher: AskedTeacher | undefined,
): Promise<number> {
  const { settings, signal } = task;
  const { duration } = settings;
  if ('steps' in duration) return duration.steps;
  if ('epochs' in duration) {
    return Math.max(1, Math.round(duration.epochs * stepsPerEpoch(data, settings.batchSize)));
  }
  const trial = await beginRun(task, data);
  const asking = askingOf(task);
  const batches = trainingBatches(task, data, 0, teacher);
  try {
    const step = async (): Promise<void> => {
      signal.throwIfAborted();
      const { value: batch } = await batches.next();
      const { model, loss } = submodelStep(trial.model, asking, batch, settings, 0);
      trial.model = model;
      // Waits for the engine: a GPU would otherwise still be at work when the clock is read.
      loss.dataSync();
      loss.dispose();
      disposeBatch(batch);
    };
    return await stepsWithin(60 * duration.minutes, began, step, () => look(task, data, trial, 0));
  } finally {
    await batches.return(undefined as never);
    disposeRun(trial);
  }
}
