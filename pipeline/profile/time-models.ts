import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { modelOnnx } from '../graphs/files.ts';
import { loadOnnxRuntime, type OnnxRuntime } from '../graphs/onnx-runtime.ts';
import { storedWeights } from '../graphs/weight-places.ts';
import { extentOf, type Architecture } from '../model/architecture.ts';
import { initialWeights } from '../model/initial-weights.ts';
import { writeSafetensors } from '../model/safetensors.ts';
import { canonicalJson } from '../util/hash.ts';
import { known } from '../util/known.ts';
import { quantile } from '../util/quantile.ts';
import { random } from '../util/random.ts';

export interface TimedModels {
  /** "onnxruntime 1.30.0" */
  readonly runtime: string;
  readonly cpuModel: string;
  /** Milliseconds of one image, in the order of the architectures. */
  readonly latencies: readonly { readonly p50: number; readonly p90: number }[];
}

export interface TimingOptions {
  /** Where graphs and weights are written; the caller removes it. */
  readonly folder: string;
  /** Rounds that are not counted, and rounds that are. A round runs every model once, in a new order. */
  readonly warmup: number;
  readonly iterations: number;
  readonly signal: AbortSignal;
}

/**
 * Times whole models under ONNX Runtime: one image, one thread, random weights (time does not depend on the values).
 * Equal architectures are timed once. Drift (clock, heat, neighbours) meets all of them alike.
 * @returns or why there is no ONNX Runtime here
 */
export async function timeModels(
  architectures: readonly Architecture[],
  { folder, warmup, iterations, signal }: TimingOptions,
): Promise<TimedModels | string> {
  const runtime = await loadOnnxRuntime();
  if (typeof runtime === 'string') return runtime;
  await mkdir(folder, { recursive: true });
  const keys = architectures.map((one) => canonicalJson({ ...one }));
  const distinct = [...new Map(keys.map((key, index) => [key, architectures[index]!]))];
  const models = [];
  for (const [index, [, architecture]] of distinct.entries()) {
    models.push(await openModel(runtime, architecture, folder, String(index)));
    signal.throwIfAborted();
  }
  const times = models.map(() => new Float64Array(iterations));
  const draw = random(1, 'time-models');
  for (let round = 0; round < warmup + iterations; round++) {
    for (const index of draw.shuffle(models.map((_, place) => place))) {
      const start = performance.now();
      await models[index]!.run();
      if (round >= warmup) times[index]![round - warmup] = performance.now() - start;
    }
    await setImmediate();
    signal.throwIfAborted();
  }
  for (const { release } of models) await release();
  const byKey = new Map(distinct.map(([key], index) => [key, times[index]!]));
  return {
    runtime: `onnxruntime ${runtime.env.versions.node ?? runtime.env.versions.common}`,
    cpuModel: cpus()[0]?.model.trim() ?? 'unknown',
    latencies: keys.map((key) => {
      const values = known(byKey, key);
      return { p50: quantile(values, 0.5), p90: quantile(values, 0.9) };
    }),
  };
}

async function openModel(runtime: OnnxRuntime, architecture: Architecture, folder: string, name: string) {
  const weights = `${name}.safetensors`;
  await writeSafetensors(join(folder, weights), initialWeights(architecture, 1));
  const graph = modelOnnx(architecture, await storedWeights(join(folder, weights), weights), 'profile');
  const path = join(folder, `${name}.onnx`);
  await writeFile(path, graph);
  const session = await runtime.InferenceSession.create(path, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    extra: { session: { force_spinning_stop: '1' } },
  });
  const { channels, imageSize } = architecture;
  const { height, width } = extentOf(imageSize);
  const draw = random(1, 'time-models', 'image');
  const pixels = Float32Array.from({ length: channels * height * width }, () => draw.normal());
  const feeds = {
    [session.inputNames[0]!]: new runtime.Tensor('float32', pixels, [1, channels, height, width]),
  };
  return { run: () => session.run(feeds), release: () => session.release() };
}
