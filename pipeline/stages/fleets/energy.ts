import type { EnergyReport } from './report-file.ts';

/** Joules of one multiply-add and of one byte on the wire. A type, not an interface, so that it is JSON. */
export type EnergyRates = { readonly perMacJ: number; readonly perByteJ: number };

export interface DeviceLoad {
  /** Multiply-adds an image. */
  readonly macs: number;
  /** Down and up. */
  readonly bytes: number;
  /** Joules of one of its own multiply-adds, where known. */
  readonly perMacJ?: number | undefined;
}

/**
 * Joules an image: `macs * perMacJ + bytes * perByteJ` of every device. A model that knows neither idling nor memory (ours; that energy
 * follows the multiply-adds is the assumption of DeViT's comparisons at equal FLOPs).
 */
export function energyOf(
  devices: readonly DeviceLoad[],
  teacherMacs: number,
  { perMacJ, perByteJ }: EnergyRates,
): EnergyReport {
  const each = devices.map((one) => one.macs * (one.perMacJ ?? perMacJ) + one.bytes * perByteJ);
  return {
    perMacJ,
    perByteJ,
    totalJ: each.reduce((sum, own) => sum + own, 0),
    dearestJ: Math.max(...each),
    teacherJ: teacherMacs * perMacJ,
  };
}
