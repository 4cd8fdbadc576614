import type * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '../../tensor/optimizer.ts';
import type { FusionData } from '../fusion/fusion-task.ts';
import { predictFeatures } from '../training/predict-features.ts';
import { pixelTensor } from '../training/training-batches.ts';
import type { EnsembleTask } from './ensemble-task.ts';

/** With all that is known of the images. */
export type FleetData = FusionData & {
  readonly labels: Int32Array;
  readonly teacherLogits: Float32Array;
  readonly teacherFeatures: Float32Array;
};

/**
 * What every sub-model sends of the images `places`, with what is known of these. Costs a forward pass of each through each.
 * @param parameters of the sub-models, on the engine; they stay the caller's
 * @throws `signal.reason` on abort
 */
export async function fleetFeatures(
  task: EnsembleTask,
  places: Uint32Array,
  parameters: readonly Tensors[],
): Promise<FleetData> {
  const { submodels, images, targets } = task;
  const features: Float32Array[] = [];
  for (const [index, { architecture }] of submodels.entries()) {
    let own: Float32Array | undefined;
    let row = 0;
    const model = { architecture, weights: parameters[index]! };
    for await (const found of predictFeatures(model, pixelsOf(task, places))) {
      const width = found.features.length / found.count;
      own ??= new Float32Array(places.length * width);
      own.set(found.features, row * width);
      row += found.count;
    }
    features.push(own ?? new Float32Array());
  }
  return {
    features,
    images: places.length,
    labels: Int32Array.from(places, (place) => images.labels[place]!),
    teacherLogits: rowsOf(targets.logits, targets.classes, places),
    teacherFeatures: rowsOf(targets.features ?? new Float32Array(), targets.width, places),
  };
}

async function* pixelsOf(
  { images, settings, signal }: EnsembleTask,
  places: Uint32Array,
): AsyncGenerator<tf.Tensor4D, void, undefined> {
  for (let at = 0; at < places.length; at += settings.batchSize) {
    signal.throwIfAborted();
    yield pixelTensor(await images.read(places.subarray(at, at + settings.batchSize)), images);
  }
}

function rowsOf(matrix: Float32Array, width: number, places: Uint32Array): Float32Array {
  const rows = new Float32Array(places.length * width);
  places.forEach((place, row) => rows.set(matrix.subarray(place * width, (place + 1) * width), row * width));
  return rows;
}
