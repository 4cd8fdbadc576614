import type * as Ort from 'onnxruntime-node';

/** ONNX Runtime. Only its types are imported before it is asked for: it is an optional dependency. */
export type OnnxRuntime = typeof Ort;

export interface Floats {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * Official builds of ONNX Runtime report usage over the network unless this variable is set before they load; whoever
 * wants that can set it to 0.
 * @returns ONNX Runtime, or why there is none here
 */
export async function loadOnnxRuntime(): Promise<OnnxRuntime | string> {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
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
  return Object.values(await runOnnxOutputs(runtime, path, inputs))[0]!;
}

/** Runs a graph once, in a session of its own: all of its outputs by name, in their order. */
export async function runOnnxOutputs(
  runtime: OnnxRuntime,
  path: string,
  inputs: Readonly<Record<string, Floats>>,
): Promise<Record<string, Float32Array>> {
  const session = await runtime.InferenceSession.create(path);
  try {
    const feeds: Record<string, Ort.Tensor> = {};
    for (const [name, { data, shape }] of Object.entries(inputs)) {
      feeds[name] = new runtime.Tensor('float32', data, shape);
    }
    const outputs: Ort.InferenceSession.ReturnType = await session.run(feeds);
    return Object.fromEntries(
      session.outputNames.map((name) => [name, outputs[name]!.data as Float32Array] as const),
    );
  } finally {
    await session.release();
  }
}
