import { findProfile } from '../profile/profile-file.ts';
import { latencyModel } from '../profile/latency-model.ts';
import type { Manifest, ManifestDescendant } from '../manifest.ts';
import type { Library } from '../open.ts';

/** Milliseconds for one batch as a sum over parts. */
export interface LatencyModel {
  /** Of everything but the FFN blocks; 0 where only blocks were measured. */
  readonly frameMs: number;
  readonly blockMs: (block: number, descendant: ManifestDescendant) => number;
  /** False: sums are of the FFN blocks alone. */
  readonly isWhole: boolean;
  /** Device, runtime, batch and what is covered, for people. */
  readonly describe: string;
}

/** The p50 of each block that the run measured on its own machine, frame unknown. */
export function libraryLatency({ latencyProfile }: Manifest): LatencyModel {
  const { cpuModel, engine, device, threads, batchSize } = latencyProfile;
  const on = device === 'gpu' ? `a GPU beside ${cpuModel}` : cpuModel;
  return {
    frameMs: 0,
    blockMs: (_, { latencyMs }) => latencyMs.p50,
    isWhole: false,
    describe:
      `FFN blocks alone, without the frame: the run's own p50 on ${on}, ` +
      `${engine}, ${threads} thread${threads === 1 ? '' : 's'}, batch ${batchSize}`,
  };
}

/**
 * @param name of a device profile in the library, or its file
 * @throws BlockForgeError `file-missing`, `file-invalid`
 */
export async function profiledLatency(library: Library, name: string): Promise<LatencyModel> {
  const { frameMs, blockMs, describe } = latencyModel(await findProfile(library, name));
  const last = library.manifest.blocks.length - 1;
  return {
    frameMs,
    blockMs: (block, { width }) => blockMs(width, block === last ? 'last' : undefined),
    isWhole: true,
    describe: `whole model, calibrated p50: ${describe}`,
  };
}
