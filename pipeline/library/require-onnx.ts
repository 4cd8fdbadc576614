import { loadOnnxRuntime, type OnnxRuntime } from '../graphs/onnx-runtime.ts';
import { fail } from '../util/failure.ts';
import type { ManifestFile } from './manifest.ts';
import type { Library } from './open.ts';

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
