import * as tf from '@tensorflow/tfjs-core';
import type { Preprocessing } from '../../datasets/contract.ts';
import { normalise } from '../../datasets/normalise.ts';
import { runOnnxOutputs, type Floats, type OnnxRuntime } from '../graphs/onnx-runtime.ts';
import { extentOf, type Architecture } from '../model/architecture.ts';
import { forward } from '../model/encoder.ts';
import type { HostWeights } from '../model/host-weights.ts';
import { uploadTeacher } from '../model/upload.ts';
import { fail } from '../util/failure.ts';
import type { ModelOutputs } from './device-self-test.ts';

// What a sub-model makes of pixels [B, height, width, C], prepared but not normalised, in either runtime.

/** On the engine that is loaded; leaves no tensor behind. */
export async function engineOutputs(
  weights: HostWeights,
  architecture: Architecture,
  pixels: Uint8Array,
  preprocessing: Preprocessing,
): Promise<ModelOutputs> {
  const { height, width } = extentOf(preprocessing.crop);
  const model = uploadTeacher(weights, architecture);
  try {
    const { logits, features } = tf.tidy(() => {
      const values = normalise(pixels, preprocessing);
      return forward(model, tf.tensor(values, [-1, height, width, preprocessing.channels]), {
        capture: ['pooled'],
      });
    });
    const read = async (tensor: tf.Tensor) => (await tensor.data<'float32'>()).slice();
    const outputs = { features: await read(features.pooled), logits: await read(logits) };
    tf.dispose([logits, features.pooled]);
    return outputs;
  } finally {
    model.dispose();
  }
}

/**
 * By its graph under ONNX Runtime.
 * @throws BlockForgeError `library-invalid` where the graph does not run or lacks an output
 */
export async function onnxOutputs(
  runtime: OnnxRuntime,
  path: string,
  pixels: Uint8Array,
  preprocessing: Preprocessing,
): Promise<ModelOutputs> {
  let outputs: Record<string, Float32Array | undefined>;
  try {
    outputs = await runOnnxOutputs(runtime, path, { images: planes(pixels, preprocessing) });
  } catch (error) {
    const found = `ONNX Runtime refuses it: ${(error as Error).message.split('\n')[0]}`;
    return fail({ reason: 'library-invalid', subject: path, found }, error);
  }
  const { features, logits } = outputs;
  if (features !== undefined && logits !== undefined) return { features, logits };
  return fail({
    reason: 'library-invalid',
    subject: path,
    found: `outputs ${Object.keys(outputs).join(', ')}`,
    expected: 'features and logits',
  });
}

/** Pixels [B, height, width, C] as 0..255 -> what a graph takes, normalised: [B, C, height, width]. */
export function planes(pixels: Uint8Array, preprocessing: Preprocessing): Floats {
  const { crop, channels } = preprocessing;
  const { height, width } = extentOf(crop);
  const size = height * width;
  const values = normalise(pixels, preprocessing);
  const data = new Float32Array(values.length);
  for (let place = 0; place < values.length; place++) {
    const position = Math.floor(place / channels);
    const image = Math.floor(position / size);
    data[(image * channels + (place % channels)) * size + (position % size)] = values[place]!;
  }
  return { shape: [values.length / (size * channels), channels, height, width], data };
}
