import type * as Ort from 'onnxruntime-node';

/** ONNX Runtime. Only its types are imported before it is asked for: it is an optional dependency. */
export type OnnxRuntime = typeof Ort;

export interface Floats {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** @returns ONNX Runtime, or why there is none here */
export async function loadOnnxRuntime(): Promise<OnnxRuntime | string> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    return `onnxruntime-node does not load: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** Runs a graph of one output once, in a session of its own. */
export async function runOnnx(
  runtime: OnnxRuntime,
  path: string,
  inputs: Readonly<Record<string, Floats>>,
): Promise<Float32Array> {
  const session = await runtime.InferenceSession.create(path);
  try {
    const feeds: Record<string, Ort.Tensor> = {};
    for (const [name, { data, shape }] of Object.entries(inputs)) {
      feeds[name] = new runtime.Tensor('float32', data, shape);
    }
    const outputs: Ort.InferenceSession.ReturnType = await session.run(feeds);
    return outputs[session.outputNames[0]].data as Float32Array;
  } finally {
    await session.release();
  }
}
