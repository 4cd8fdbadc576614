import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Architecture } from '../../../model/architecture.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import type { Plain } from '../../common/artefacts.ts';
import { files, sliceJob } from '../artefacts.ts';
import type { FleetsConfig } from '../schema.ts';
import { timeModels } from '../../../profile/time-models.ts';
import { readModel } from './model-file.ts';

export type ProfileSettings = {
  readonly submodels: readonly string[];
  readonly latency: FleetsConfig['measure']['latency'];
  /** The teacher's. */
  readonly architecture: Plain<Architecture>;
};

/** Milliseconds of one image. A type, not an interface, so that it is JSON. */
export type Latency = { readonly p50: number; readonly p90: number };

/** `latency.json`. A type, not an interface, so that it is JSON. */
export type LatencyFile = {
  /** Null where ONNX Runtime is not installed. */
  readonly runtime: string | null;
  readonly cpuModel: string;
  readonly teacher: Latency | null;
  /** By sub-model. */
  readonly submodels: Readonly<Record<string, Latency>>;
};

/**
 * Latency of every sub-model beside the teacher's: one image, one thread, ONNX Runtime. Time does not depend on the
 * weights, so random ones will do and equal architectures are timed once.
 * Reads: the models as they were cut. Writes: latency.json.
 */
export async function run({ settings }: Job<ProfileSettings>, context: JobContext): Promise<Json> {
  const { submodels, latency, architecture } = settings;
  const own = await Promise.all(
    submodels.map(async (name) => (await readModel(context.input(sliceJob(name), files.model))).architecture),
  );
  const folder = join(context.folder, 'graphs');
  const { signal } = context;
  const timed = await timeModels([architecture, ...own], { folder, ...latency, signal });
  await rm(folder, { recursive: true, force: true });
  if (typeof timed === 'string') context.warn(`latency is not measured: ${timed}`);
  const found = typeof timed === 'string' ? undefined : timed;
  const result: LatencyFile = {
    runtime: found?.runtime ?? null,
    cpuModel: found?.cpuModel ?? '',
    teacher: found?.latencies[0] ?? null,
    submodels: Object.fromEntries(
      submodels.flatMap((name, index) => {
        const one = found?.latencies[index + 1];
        return one === undefined ? [] : [[name, one]];
      }),
    ),
  };
  await writeJsonAtomic(join(context.folder, files.latency), result);
  return { teacherMs: result.teacher?.p50 ?? null, slowestMs: slowest(result.submodels) };
}

function slowest(submodels: LatencyFile['submodels']): number | null {
  const all = Object.values(submodels).map(({ p50 }) => p50);
  return all.length === 0 ? null : Math.max(...all);
}
