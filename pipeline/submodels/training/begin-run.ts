import type * as tf from '@tensorflow/tfjs-core';
import { uploadTeacher } from '../../model/upload.ts';
import { drawImages } from './epoch-draw.ts';
import { scaleFeature } from './feature-targets.ts';
import { startLift } from './lift.ts';
import { predictFeatures } from './predict-features.ts';
import { pixelTensor } from './training-batches.ts';
import type { TrainingData } from './training-data.ts';
import { startRun, type SubmodelRun } from './training-run.ts';
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
