import type { InferenceSession } from 'onnxruntime-node';
import { loadOnnxRuntime, type OnnxRuntime } from '../graphs/onnx-runtime.ts';
import { fail } from '../util/failure.ts';
import type { FeatureEngine } from './served-device.ts';

export interface OnnxModel {
  readonly id: string;
  /** Takes `images` [1, C, height, width], gives `features` [1, width]. */
  readonly open: (create: (path: string) => Promise<InferenceSession>) => Promise<InferenceSession>;
  readonly width: number;
}

const input = 'images';
const output = 'features';

/**
 * One ONNX Runtime session per sub-model, run one after another: on a small device they share its processors anyway, and
 * so the first image's features do not wait for the second's.
 * @param shape of one image [C, height, width]
 * @param threads of one session; default: as many as ONNX Runtime thinks right
 * @throws BlockForgeError `engine-unavailable` without onnxruntime-node
 */
export async function openOnnxFeatures(
  models: readonly OnnxModel[],
  shape: readonly [number, number, number],
  threads?: number,
): Promise<FeatureEngine> {
  const ort = await requireRuntime();
  const settings: InferenceSession.SessionOptions = {
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    interOpNumThreads: 1,
    // Between two images threads would go on spinning, which takes power, and the processors of whatever else runs here.
    extra: { session: { force_spinning_stop: '1' } },
  };
  const sessions: InferenceSession[] = [];
  const close = async (): Promise<void> => {
    for (const session of sessions.splice(0)) await session.release();
  };
  try {
    for (const { open } of models) {
      sessions.push(await open((path) => ort.InferenceSession.create(path, settings)));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    description: `onnxruntime ${ort.env.versions.node ?? ort.env.versions.common}`,
    async extract(image) {
      const features: Float32Array[] = [];
      const feeds = { [input]: new ort.Tensor('float32', image, [1, ...shape]) };
      for (const [index, { id, width }] of models.entries()) {
        const values = (await sessions[index]!.run(feeds, [output]))[output]?.data;
        if (!(values instanceof Float32Array) || values.length !== width)
          throw new Error(`the graph of ${id} gives no ${output} [1, ${width}]`);
        features.push(values);
      }
      return features;
    },
    close,
  };
}

async function requireRuntime(): Promise<OnnxRuntime> {
  const runtime = await loadOnnxRuntime();
  if (typeof runtime !== 'string') return runtime;
  return fail({
    reason: 'engine-unavailable',
    subject: 'onnxruntime-node',
    found: runtime,
    next: 'npm install onnxruntime-node (with ONNXRUNTIME_NODE_INSTALL=skip where nothing else may be downloaded)',
  });
}
