import type { Preprocessing } from '../../datasets/contract.ts';
import { normalise } from '../../datasets/normalise.ts';
import { runOnnxOutputs, type Floats, type OnnxRuntime } from '../graphs/onnx-runtime.ts';
import { extentOf } from '../model/architecture.ts';
import { fail } from '../util/failure.ts';
import type { ModelOutputs } from './device-self-test.ts';

/**
 * What a sub-model's graph makes of prepared pixels [B, height, width, C] under ONNX Runtime.
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
