import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadOnnxRuntime } from '../../pipeline/graphs/onnx-runtime.ts';
import { writeModel } from '../../pipeline/compose/write-model.ts';
import type { Library } from '../../pipeline/library/open.ts';
import { startRuntime, type Switch } from '../../pipeline/runtime/index.ts';
import { median } from '../../pipeline/util/quantile.ts';
import { random } from '../../pipeline/util/random.ts';
import { pixelsPerImage } from '../../pipeline/model/architecture.ts';

export interface RunTimes {
  /** Median of one image's inference, by composition, in the order given. */
  readonly latencyMs: readonly number[];
  readonly runtime: string;
}

/**
 * Every composition in one runtime, in rounds, so that whatever else the machine does hits all of them alike. The first
 * inference after a switch is not counted.
 */
export async function timeCompositions(
  library: Library,
  compositions: readonly (readonly string[])[],
  { rounds, threads }: { readonly rounds: number; readonly threads?: number },
): Promise<RunTimes> {
  const runtime = await startRuntime(library, { ...(threads !== undefined && { threads }) });
  const image = randomImage(library);
  const times = compositions.map((): number[] => []);
  try {
    for (let round = 0; round < rounds; round++) {
      const places = random(round, 'scaling').shuffle(compositions.map((_, place) => place));
      for (const place of places) {
        runtime.use(compositions[place]!);
        await runtime.predict(image);
        const started = performance.now();
        await runtime.predict(image);
        times[place]!.push(performance.now() - started);
      }
    }
    return { latencyMs: times.map(median), runtime: runtime.engine };
  } finally {
    await runtime.close();
  }
}

/** Walks through the compositions, changing blocks; one switch per step that changes anything. */
export async function timeSwitches(
  library: Library,
  walked: readonly (readonly string[])[],
): Promise<Switch[]> {
  const runtime = await startRuntime(library, { descendants: walked[0]! });
  const image = randomImage(library);
  const switches: Switch[] = [];
  try {
    for (const descendants of walked.slice(1)) {
      await runtime.predict(image);
      const done = runtime.use(descendants);
      if (done.loaded.length > 0) switches.push(done);
    }
    return switches;
  } finally {
    await runtime.close();
  }
}

export interface Reload {
  readonly milliseconds: number;
  readonly bytesLoaded: number;
}

/** The same walk with whole models: each step reads a model file and builds its session. */
export async function timeReloads(
  library: Library,
  walked: readonly (readonly string[])[],
): Promise<Reload[]> {
  const ort = await loadOnnxRuntime();
  if (typeof ort === 'string') throw new Error(ort);
  const folder = await mkdtemp(join(tmpdir(), 'blockforge-scaling-'));
  try {
    const reloads: Reload[] = [];
    const written = new Map<string, { readonly path: string; readonly sizeBytes: number }>();
    for (const [step, descendants] of walked.entries()) {
      const key = descendants.join(' ');
      if (step > 0 && key === walked[step - 1]!.join(' ')) continue;
      let model = written.get(key);
      if (model === undefined) {
        const path = join(folder, String(written.size));
        model = { path, sizeBytes: (await writeModel(library, descendants, path)).sizeBytes };
        written.set(key, model);
      }
      const started = performance.now();
      const session = await ort.InferenceSession.create(join(model.path, 'model.onnx'));
      if (step > 0) {
        reloads.push({ milliseconds: performance.now() - started, bytesLoaded: model.sizeBytes });
      }
      await session.release();
    }
    return reloads;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function randomImage({ manifest }: Library): Float32Array {
  const { channels, imageSize } = manifest.teacher.architecture;
  const draw = random(1, 'image');
  return Float32Array.from({ length: pixelsPerImage(imageSize, channels) }, () => draw.normal());
}
