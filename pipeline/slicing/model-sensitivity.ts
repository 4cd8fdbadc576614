import type * as tf from '@tensorflow/tfjs-core';
import { uploadTeacher } from '../model/upload.ts';
import { measureSensitivity, type Sensitivity, type SensitivityOptions } from './sensitivity.ts';
import type { SlicedModel } from './sliced-model.ts';

/** `measureSensitivity` of a model on the host; nothing of it stays on the engine. */
export async function modelSensitivity(
  { weights, architecture }: SlicedModel,
  batches: AsyncIterable<tf.Tensor4D>,
  options: SensitivityOptions,
): Promise<Sensitivity> {
  const tensors = uploadTeacher(weights, architecture);
  try {
    return await measureSensitivity(tensors, batches, options);
  } finally {
    tensors.dispose();
  }
}
