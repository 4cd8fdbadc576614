import type { Manifest } from '../library/manifest.ts';
import type { DeviceLatency } from '../profile/latency.ts';
import { modelMs } from '../profile/latency.ts';

/** Seconds of one batch, as the LegoDNN files want them. */
export interface LegodnnLatencies {
  readonly modelSeconds: number;
  /** @param id of a descendant */
  readonly blockSeconds: (id: string) => number;
  readonly source: string;
}

/** From a device profile: the sum of a composition's blocks and the frame is what the profile predicts for it. */
export function latenciesOfProfile(manifest: Manifest, latency: DeviceLatency): LegodnnLatencies {
  const { blocks } = manifest;
  const seconds = new Map(
    blocks.flatMap(({ descendants }, block) =>
      descendants.map(
        ({ id, width }) =>
          [id, latency.blockMs(width, block === blocks.length - 1 ? 'last' : undefined) / 1e3] as const,
      ),
    ),
  );
  return {
    modelSeconds:
      modelMs(
        latency,
        blocks.map(({ descendants }) => descendants[0].width),
      ) / 1e3,
    blockSeconds: (id) => seconds.get(id)!,
    source: latency.describe,
  };
}

/**
 * From the latencies in the manifest, which has none of the frame: the whole teacher is taken to be as much slower than
 * its blocks as it has more multiply-adds. An estimate; a profile measures it.
 */
export function latenciesOfManifest(manifest: Manifest): LegodnnLatencies {
  const { blocks, teacher, latencyProfile } = manifest;
  const all = new Map(blocks.flatMap(({ descendants }) => descendants).map((item) => [item.id, item]));
  const own = blocks.map(({ descendants }) => descendants[0]);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const blockShare = sum(own.map(({ macs }) => macs)) / teacher.macs;
  const { cpuModel, engine, threads, batchSize } = latencyProfile;
  return {
    modelSeconds: sum(own.map(({ latencyMs }) => latencyMs.p50)) / blockShare / 1e3,
    blockSeconds: (id) => all.get(id)!.latencyMs.p50 / 1e3,
    source:
      `the library's own block latencies (${engine}, threads: ${threads}, on ${cpuModel}, batch ${batchSize}); ` +
      "the whole model's is estimated from them by multiply-adds",
  };
}
