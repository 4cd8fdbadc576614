import * as tf from '@tensorflow/tfjs-core';
import { normalise } from '../../../datasets/normalise.ts';
import { flipAndCrop } from '../../augment/flip-and-crop.ts';
import type { RawBatch } from '../../../datasets/contract.ts';
import { extentOf } from '../../model/architecture.ts';
import { random } from '../../util/random.ts';
import { drawImages } from './epoch-draw.ts';
import { scaleFeature } from './feature-targets.ts';
import type { ImageStore } from './image-store.ts';
import { mirrorImages } from '../../augment/mirror-images.ts';
import { imagesPerEpoch, type TrainingData } from './training-data.ts';
import type { SubmodelTrainTask } from './training-task.ts';

/** One step's images on the engine. Whoever takes it disposes of its tensors. */
export interface SubmodelBatch {
  readonly count: number;
  /** [B, S, S, C], normalised. */
  readonly pixels: tf.Tensor4D;
  /** [B, M]: the teacher's restricted logits. */
  readonly targets: tf.Tensor2D;
  /** [B, M]: ones among zeros. */
  readonly labels: tf.Tensor2D;
  /** [B, D], scaled; absent where nothing is learnt from them. */
  readonly features: tf.Tensor2D | undefined;
}

/** Whole batches only, so that every step sees the same shapes; what does not fill one sits this pass out. */
export function stepsPerEpoch({ training }: TrainingData, batchSize: number): number {
  return Math.max(1, Math.floor(imagesPerEpoch(training) / batchSize));
}

/**
 * Batches from a step on, without end: a function of task and step, so that a resumed training sees what it would have
 * seen. The images of the next step are read while one is in use.
 */
export async function* trainingBatches(
  task: Pick<SubmodelTrainTask, 'images' | 'settings' | 'seed'>,
  data: TrainingData,
  firstStep: number,
): AsyncGenerator<SubmodelBatch, never, undefined> {
  const { images, settings, seed } = task;
  const perEpoch = stepsPerEpoch(data, settings.batchSize);
  const size = Math.min(settings.batchSize, imagesPerEpoch(data.training));
  let epoch = -1;
  let order: Uint32Array = new Uint32Array();
  const start = (step: number): Promise<Drawn> => {
    if (Math.floor(step / perEpoch) !== epoch) {
      epoch = Math.floor(step / perEpoch);
      order = drawImages(data.training, seed, 'epoch', epoch);
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
    yield toTensors(drawn, images, data);
  }
}

interface Drawn {
  readonly batch: RawBatch;
  readonly places: Uint32Array;
  readonly mirrored: readonly boolean[];
}

async function drawBatch(
  images: ImageStore,
  places: Uint32Array,
  { flip, cropPadding }: SubmodelTrainTask['settings']['augment'],
  seed: number,
  step: number,
): Promise<Drawn> {
  const plain = await images.read(places);
  const stream = random(seed, 'sub-models', 'augment', step);
  const mirrored = Array.from(places, () => flip && stream.next() < 0.5);
  const batch = flipAndCrop(mirrorImages(plain, mirrored), { flip: false, cropPadding }, stream);
  return { batch, places, mirrored };
}

function toTensors(
  { batch, places, mirrored }: Drawn,
  images: ImageStore,
  data: TrainingData,
): SubmodelBatch {
  const { outputs, right, scale } = data;
  const count = places.length;
  const targets = new Float32Array(count * outputs);
  const labels = new Float32Array(count * outputs);
  const features = scale && new Float32Array(count * scale.mean.length);
  places.forEach((place, row) => {
    const view = (mirrored[row] === true ? data.flipped : undefined) ?? data.plain;
    targets.set(view.logits.subarray(place * outputs, (place + 1) * outputs), row * outputs);
    labels[row * outputs + right[place]!] = 1;
    const seen = view.features ?? data.plain.features;
    if (scale && features && seen) scaleFeature(seen, place, scale, features, row);
  });
  return {
    count,
    pixels: pixelTensor(batch, images),
    targets: tf.tensor2d(targets, [count, outputs]),
    labels: tf.tensor2d(labels, [count, outputs]),
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

export function disposeBatch({ pixels, targets, labels, features }: SubmodelBatch): void {
  tf.dispose([pixels, targets, labels, ...(features ? [features] : [])]);
}
