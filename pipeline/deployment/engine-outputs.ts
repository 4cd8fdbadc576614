import * as tf from '@tensorflow/tfjs-core';
import type { Preprocessing } from '../../datasets/contract.ts';
import { normalise } from '../../datasets/normalise.ts';
import { extentOf, type Architecture } from '../model/architecture.ts';
import { forward } from '../model/encoder.ts';
import type { HostWeights } from '../model/host-weights.ts';
import { uploadTeacher } from '../model/upload.ts';
import type { ModelOutputs } from './device-self-test.ts';

/** What a sub-model makes of prepared pixels [B, height, width, C] on the engine that is loaded. Leaves no tensor behind. */
export async function engineOutputs(
  weights: HostWeights,
  architecture: Architecture,
  pixels: Uint8Array,
  preprocessing: Preprocessing,
): Promise<ModelOutputs> {
  const { crop, channels } = preprocessing;
  const { height, width } = extentOf(crop);
  const shape = [pixels.length / (height * width * channels), height, width, channels];
  const model = uploadTeacher(weights, architecture);
  try {
    const { logits, features } = tf.tidy(() =>
      forward(model, tf.tensor(normalise(pixels, preprocessing), shape), { capture: ['pooled'] }),
    );
    const read = async (tensor: tf.Tensor) => (await tensor.data<'float32'>()).slice();
    const outputs = { features: await read(features.pooled), logits: await read(logits) };
    tf.dispose([logits, features.pooled]);
    return outputs;
  } finally {
    model.dispose();
  }
}
