import * as tf from '@tensorflow/tfjs-core';
import { normalise } from '../../../datasets/normalise.ts';
import type { RawBatch } from '../../../datasets/contract.ts';
import { erasePixels } from '../../augment/erase-pixels.ts';
import { mixPixels } from '../../augment/mix-pixels.ts';
import { mixTargets } from '../../augment/mix-targets.ts';
import { repeatOrder } from '../../augment/repeat-order.ts';
import { extentOf } from '../../model/architecture.ts';
import { drawBatch, type DrawnBatch } from './draw-batch.ts';
import { drawImages } from './epoch-draw.ts';
import { scaleFeature, scaleFeatures } from './feature-targets.ts';
import type { ImageStore } from './image-store.ts';
import type { AskedTeacher } from './online-teacher.ts';
import { imagesPerEpoch, type TrainingData } from './training-data.ts';
import type { SubmodelTrainTask } from './training-task.ts';

/** One step's images on the engine. Whoever takes it disposes of its tensors. */
export interface SubmodelBatch {
  readonly count: number;
  /** [B, S, S, C], normalised, erased and mixed. */
  readonly pixels: tf.Tensor4D;
  /** [B, M]: the teacher's restricted logits. */
  readonly targets: tf.Tensor2D;
  /** [B, M]: ones among zeros, mixed as the images are, smoothed. */
  readonly labels: tf.Tensor2D;
  /** [B, D], scaled; absent where nothing is learnt from them. */
  readonly features: tf.Tensor2D | undefined;
  /** [B, T, T], the teacher's `logRelations` of each name that has a weight. */
  readonly relations: readonly tf.Tensor[];
}

/** Whole batches only, so that every step sees the same shapes; what does not fill one sits this pass out. */
export function stepsPerEpoch({ training }: TrainingData, batchSize: number): number {
  return Math.max(1, Math.floor(imagesPerEpoch(training) / batchSize));
}

/**
 * Batches from a step on, without end: a function of task and step, so that a resumed training sees what it would have
 * seen. The images of the next step are read while one is in use. `teacher` is asked about the images as the sub-model sees them;
 * without it, what was said of the images as they are stands.
 */
export async function* trainingBatches(
  task: Pick<SubmodelTrainTask, 'images' | 'settings' | 'seed'>,
  data: TrainingData,
  firstStep: number,
  teacher?: Pick<AskedTeacher, 'ask'>,
): AsyncGenerator<SubmodelBatch, never, undefined> {
  const { images, settings, seed } = task;
  const perEpoch = stepsPerEpoch(data, settings.batchSize);
  const size = Math.min(settings.batchSize, imagesPerEpoch(data.training));
  let epoch = -1;
  let order: Uint32Array = new Uint32Array();
  const start = (step: number): Promise<DrawnBatch> => {
    if (Math.floor(step / perEpoch) !== epoch) {
      epoch = Math.floor(step / perEpoch);
      order = repeatOrder(drawImages(data.training, seed, 'epoch', epoch), settings.augment.repeats);
    }
    const from = (step % perEpoch) * size;
    const drawn = drawBatch(images, order.slice(from, from + size), settings.augment, seed, step);
    // What is read ahead may fail while another batch is in use; the error is met when its turn comes.
    drawn.catch(() => {});
    return drawn;
  };
  let next = start(firstStep);
  for (let step = firstStep + 1; ; step++) {
    const drawn = await next;
    next = start(step);
    yield tf.tidy(() => toTensors(drawn, images, data, teacher));
  }
}

/** Run inside a tidy. */
function toTensors(
  { batch, places, mirrored, erasures, mix }: DrawnBatch,
  images: ImageStore,
  data: TrainingData,
  teacher: Pick<AskedTeacher, 'ask'> | undefined,
) {
  const { outputs, right, scale } = data;
  const count = places.length;
  const labels = new Float32Array(count * outputs);
  places.forEach((place, row) => (labels[row * outputs + right[place]!] = 1));
  // In the order of DeiT: erased one by one, then mixed.
  const pixels = mixPixels(erasePixels(pixelTensor(batch, images), erasures), mix);
  const answer = teacher?.ask(pixels);
  const said = answer
    ? { targets: answer.logits, features: scale && scaleFeatures(answer.features, scale) }
    : saidBefore(places, mirrored, data);
  return {
    count,
    pixels,
    labels: mixTargets(tf.tensor2d(labels, [count, outputs]), mix),
    targets: said.targets,
    features: said.features,
    relations: [...(answer?.relations ?? [])],
  };
}

/** What the teacher said of the images as they are, or as they are in the mirror. */
function saidBefore(
  places: Uint32Array,
  mirrored: readonly boolean[],
  { outputs, scale, plain, flipped }: TrainingData,
): Pick<SubmodelBatch, 'targets' | 'features'> {
  const count = places.length;
  const targets = new Float32Array(count * outputs);
  const features = scale && new Float32Array(count * scale.mean.length);
  places.forEach((place, row) => {
    const view = (mirrored[row] === true ? flipped : undefined) ?? plain;
    targets.set(view.logits.subarray(place * outputs, (place + 1) * outputs), row * outputs);
    const seen = view.features ?? plain.features;
    if (scale && features && seen) scaleFeature(seen, place, scale, features, row);
  });
  return {
    targets: tf.tensor2d(targets, [count, outputs]),
    features: scale && features && tf.tensor2d(features, [count, scale.mean.length]),
  };
}

/** [B, height, width, C], normalised. Caller disposes. */
export function pixelTensor(
  { pixels, count, size, channels }: RawBatch,
  { preprocessing }: Pick<ImageStore, 'preprocessing'>,
): tf.Tensor4D {
  const { height, width } = extentOf(size);
  return tf.tensor4d(normalise(pixels, preprocessing), [count, height, width, channels]);
}

export function disposeBatch({ pixels, targets, labels, features, relations }: SubmodelBatch): void {
  tf.dispose([pixels, targets, labels, ...(features ? [features] : []), ...relations]);
}
