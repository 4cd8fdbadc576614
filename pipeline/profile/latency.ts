import { fail } from '../util/failure.ts';
import type { Profile } from './profile-file.ts';

/**
 * What a composition takes on a device: `frameMs` plus `blockMs` of each of its blocks, p50 for one batch, calibrated on
 * composed models. The last block of a ViT sees class tokens only, so the same width costs less there: ask with the
 * block's place.
 */
export interface DeviceLatency {
  readonly batchSize: number;
  readonly frameMs: number;
  /** @throws Error for a width that was not measured: `readProfile` with the library sees to that */
  readonly blockMs: (width: number, place?: 'last') => number;
  /** "onnxruntime 1.30.0, 2 threads, on a processor (laptop), batch 1": for people. */
  readonly describe: string;
}

/**
 * The calibration `offset + scale * (frame + blocks)` is dealt out to the parts, so that they stay additive: the
 * offset goes to the frame, where it could make the sum negative only if a whole model took no time.
 *
 * @param batchSize default: the smallest that was measured
 * @throws BlockForgeError `usage` for a batch size that the profile does not hold
 */
export function latencyModel(profile: Profile, batchSize = profile.batches[0].batchSize): DeviceLatency {
  const batch =
    profile.batches.find((candidate) => candidate.batchSize === batchSize) ??
    fail({
      reason: 'usage',
      subject: `batch size ${batchSize}`,
      found: `not in the profile ${profile.device.name}`,
      expected: `one of: ${profile.batches.map(({ batchSize: size }) => size).join(', ')}`,
    });
  const { scale, offsetMs } = batch.calibration;
  const times = (list: readonly { width: number; p50: number }[]) =>
    new Map(list.map(({ width, p50 }) => [width, scale * p50]));
  const [widths, lastWidths] = [times(batch.widths), times(batch.lastWidths)];
  return {
    batchSize,
    frameMs: offsetMs + scale * batch.frame.p50,
    blockMs(width, place) {
      const time = (place === 'last' ? lastWidths : widths).get(width);
      if (time === undefined) throw new Error(`profile ${profile.device.name} has no width ${width}`);
      return time;
    },
    describe: `${profileDescription(profile)}, batch ${batchSize}`,
  };
}

export function profileDescription({ runtime, device }: Profile): string {
  const threads = `${runtime.threads} thread${runtime.threads === 1 ? '' : 's'}`;
  return `${runtime.name} ${runtime.version}, ${threads}, on ${device.cpuModel} (${device.name})`;
}

/** The calibrated p50 of a whole model with `widths[i]` hidden units in block i. */
export function modelMs({ frameMs, blockMs }: DeviceLatency, widths: readonly number[]): number {
  return widths.reduce(
    (sum, width, block) => sum + blockMs(width, block === widths.length - 1 ? 'last' : undefined),
    frameMs,
  );
}
