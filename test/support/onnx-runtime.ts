import { loadOnnxRuntime } from '../../pipeline/graphs/onnx-runtime.ts';

/** False, with the reason on the screen, where the optional onnxruntime-node is not installed. */
export async function hasOnnxRuntime(): Promise<boolean> {
  const runtime = await loadOnnxRuntime();
  if (typeof runtime === 'string') console.log(`        skipped: ${runtime}`);
  return typeof runtime !== 'string';
}
