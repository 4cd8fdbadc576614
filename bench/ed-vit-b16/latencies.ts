import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { submodelOnnx } from '../../pipeline/graphs/files.ts';
import { loadOnnxRuntime } from '../../pipeline/graphs/onnx-runtime.ts';
import { storedWeights } from '../../pipeline/graphs/weight-places.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import type { HostWeights } from '../../pipeline/model/host-weights.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { quantile, timeRounds } from '../../pipeline/profile/measure-onnx.js';
import { noiseImages } from '../peers/random-teacher.ts';

export interface Subject {
  readonly name: string;
  readonly architecture: Architecture;
  readonly weights: HostWeights;
}

export interface Latency {
  readonly name: string;
  /** Of one image in one thread, in milliseconds. */
  readonly p10: number;
  readonly p50: number;
}

/** ONNX Runtime's times of one image in one thread; every model once a round, so that what else runs meets all alike. */
export async function measureLatencies(
  subjects: AsyncIterable<Subject>,
  rounds: number,
): Promise<{ version: string; latencies: readonly Latency[] }> {
  const runtime = await loadOnnxRuntime();
  if (typeof runtime === 'string') throw new Error(runtime);
  const folder = await mkdtemp(join(tmpdir(), 'blockforge-ed-vit-b16-'));
  const opened: { name: string; run: () => Promise<unknown>; release: () => Promise<void> }[] = [];
  try {
    const { data } = noiseImages(1);
    const images = new runtime.Tensor('float32', data, [1, 3, 224, 224]);
    for await (const { name, architecture, weights } of subjects) {
      const file = `${opened.length}.safetensors`;
      await writeSafetensors(join(folder, file), weights);
      const graph = join(folder, `${opened.length}.onnx`);
      await writeFile(graph, submodelOnnx(architecture, await storedWeights(join(folder, file), file), '0'));
      const session = await runtime.InferenceSession.create(graph, {
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
      });
      opened.push({ name, run: () => session.run({ images }), release: () => session.release() });
    }
    const times = await timeRounds(
      opened.map(({ run }) => run),
      { warmup: 2, iterations: rounds },
    );
    const latencies = opened.map(({ name }, i) => {
      const milliseconds = times[i] ?? new Float64Array(0);
      return { name, p10: quantile(milliseconds, 0.1), p50: quantile(milliseconds, 0.5) };
    });
    const { node, common } = runtime.env.versions as Record<string, string | undefined>;
    return { version: node ?? common ?? 'unknown', latencies };
  } finally {
    for (const { release } of opened) await release();
    await rm(folder, { recursive: true, force: true });
  }
}
