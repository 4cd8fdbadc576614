import type { Manifest } from '../library/manifest.ts';
import type { Library } from '../library/open.ts';
import { latencyModel, type DeviceLatency } from '../profile/latency.ts';
import { findProfile } from '../profile/profile-file.ts';

/** Milliseconds for one batch as a sum over parts. A `DeviceLatency` is one, which covers the whole model. */
export interface LatencyModel extends Pick<DeviceLatency, 'frameMs' | 'describe'> {
  readonly blockMs: (width: number, place: 'last' | undefined, block: number) => number;
}

/** What was measured and where. */
export interface StatedLatency extends LatencyModel {
  /** False: sums are of the FFN blocks alone. */
  readonly isWhole: boolean;
}

/** The p50 of each block that the run measured on its own machine; the frame was not measured. */
export function libraryLatency({ latencyProfile, blocks }: Manifest): StatedLatency {
  const { cpuModel, engine, device, threads, batchSize } = latencyProfile;
  const times = blocks.map(
    ({ descendants }) => new Map(descendants.map(({ width, latencyMs }) => [width, latencyMs.p50])),
  );
  return {
    isWhole: false,
    frameMs: 0,
    blockMs: (width, _, block) => times[block].get(width)!,
    describe:
      `FFN blocks alone, p50 from the run that made the library: ${engine}, ` +
      `${threads} thread${threads === 1 ? '' : 's'}, on ${device === 'gpu' ? 'a GPU beside ' : ''}${cpuModel}, batch ${batchSize}`,
  };
}

/**
 * @param name of a device profile in the library, or its file
 * @throws BlockForgeError `file-missing`, `file-invalid`
 */
export async function profiledLatency(library: Library, name: string): Promise<StatedLatency> {
  const model = latencyModel(await findProfile(library, name));
  return { ...model, isWhole: true, describe: `whole model, calibrated p50: ${model.describe}` };
}
