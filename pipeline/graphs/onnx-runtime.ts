import type * as Ort from 'onnxruntime-node';
import { fail } from '../util/failure.ts';
import type { ManifestFile } from '../library/manifest.ts';
import type { Library } from '../library/open.ts';

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

/**
 * ONNX Runtime for a library that has graphs.
 * @param orElse what to use instead, e.g. "measure with --runtime tfjs"
 * @throws BlockForgeError `engine-unavailable` without onnxruntime-node, `library-invalid` without the ONNX form
 */
export async function requireOnnx(
  { folder, manifest: { onnx } }: Library,
  orElse: string,
): Promise<{ readonly runtime: OnnxRuntime; readonly frame: ManifestFile }> {
  if (onnx === undefined) {
    return fail({
      reason: 'library-invalid',
      subject: folder,
      found: 'a library without ONNX graphs',
      expected: 'frame.onnx and a graph beside every descendant, which an export writes by default',
      next: `export it again with export.forms: [onnx], or ${orElse}`,
    });
  }
  const runtime = await loadOnnxRuntime();
  if (typeof runtime === 'string') {
    return fail({
      reason: 'engine-unavailable',
      subject: 'onnxruntime-node',
      found: runtime,
      next: `npm install onnxruntime-node (with ONNXRUNTIME_NODE_INSTALL=skip where nothing else may be downloaded), or ${orElse}`,
    });
  }
  return { runtime, frame: onnx.frame };
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
