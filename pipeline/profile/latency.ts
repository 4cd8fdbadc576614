import type { Manifest } from '../library/manifest.ts';
import type { Library } from '../library/open.ts';
import { fail } from '../util/failure.ts';
import { findProfile, timeOf, type Profile } from './profile-file.ts';

/** What a composition takes, p50 in milliseconds for one batch: `frameMs` plus `blockMs` of each of its blocks. */
export interface LatencyModel {
  readonly frameMs: number;
  /**
   * The last block sees those tokens only that the head reads (`lastBlockTokens`), so the same width may cost less there.
   * @throws Error for a width that was not measured: `readProfile` with the library sees to that
   */
  readonly blockMs: (width: number, block: number) => number;
  /** False: sums are of the FFN blocks alone. */
  readonly isWhole: boolean;
  readonly batchSize: number;
  /** What whole models took beside what their parts say, of those that the profile was not fitted to; undefined where none were timed. */
  readonly errorPercent?: number | undefined;
  /** "onnxruntime 1.30.0, 2 threads, on a processor (laptop), batch 1": for people. */
  readonly describe: string;
}

/** Percent that whole models may be off by: a limit on latency that is missed by a fifth is no limit. */
export const doubtfulPercent = 20;

/**
 * As a device profile has it. The calibration `offset + scale * (frame + blocks)`, which was fitted to composed models, is
 * dealt out to the parts, so that they stay additive: the offset goes to the frame, where it could make the sum negative
 * only if a whole model took no time.
 *
 * @param batchSize default: the smallest that was measured
 * @throws BlockForgeError `usage` for a batch size that the profile does not hold
 */
export function latencyModel(profile: Profile, batchSize?: number): LatencyModel {
  const batch =
    profile.batches.find((candidate) => candidate.batchSize === (batchSize ?? candidate.batchSize)) ??
    fail({
      reason: 'usage',
      subject: `batch size ${batchSize}`,
      found: `not in the profile ${profile.device.name}`,
      expected: `one of: ${profile.batches.map(({ batchSize: size }) => size).join(', ')}`,
    });
  const { scale, offsetMs, meanAbsoluteErrorPercent } = batch.calibration;
  const errorPercent = meanAbsoluteErrorPercent.after;
  const doubt =
    errorPercent > doubtfulPercent
      ? `, which whole models were off by ${errorPercent.toFixed(0)} %: measure it again`
      : '';
  const last = batch.composed[0]!.widths.length - 1;
  return {
    batchSize: batch.batchSize,
    isWhole: true,
    frameMs: offsetMs + scale * batch.frame.p50,
    blockMs(width, block) {
      const time = timeOf(block === last ? batch.lastWidths : batch.widths, block, width);
      if (time === undefined) throw new Error(`profile ${profile.device.name} has no width ${width}`);
      return scale * time.p50;
    },
    errorPercent,
    describe: `${profileDescription(profile)}, batch ${batch.batchSize}${doubt}`,
  };
}

export function profileDescription({ runtime, device }: Profile): string {
  const threads = `${runtime.threads} thread${runtime.threads === 1 ? '' : 's'}`;
  return `${runtime.name} ${runtime.version}, ${threads}, on ${device.cpuModel} (${device.name})`;
}

/** The p50 of a whole model with `widths[i]` hidden units in block i. */
export function modelMs({ frameMs, blockMs }: LatencyModel, widths: readonly number[]): number {
  return widths.reduce((sum, width, block) => sum + blockMs(width, block), frameMs);
}

/** The p50 of each block that the run measured on its own machine; the frame was not measured. */
export function libraryLatency({ latencyProfile, blocks }: Manifest): LatencyModel {
  const { cpuModel, engine, device, threads, batchSize } = latencyProfile;
  const times = blocks.map(
    ({ descendants }) => new Map(descendants.map(({ width, latencyMs }) => [width, latencyMs.p50])),
  );
  return {
    batchSize,
    isWhole: false,
    frameMs: 0,
    blockMs(width, block) {
      const time = times[block]?.get(width);
      if (time === undefined) throw new Error(`block ${block} has no width ${width}`);
      return time;
    },
    describe:
      `FFN blocks alone, p50 from the run that made the library: ${engine}, ` +
      `${threads} thread${threads === 1 ? '' : 's'}, on ${device === 'gpu' ? 'a GPU beside ' : ''}${cpuModel}, batch ${batchSize}`,
  };
}

/**
 * @param name of a device profile in the library, or its file
 * @throws BlockForgeError `file-missing`, `file-invalid`
 */
export async function profiledLatency(library: Library, name: string): Promise<LatencyModel> {
  const model = latencyModel(await findProfile(library, name));
  return { ...model, describe: `whole model, calibrated p50: ${model.describe}` };
}
