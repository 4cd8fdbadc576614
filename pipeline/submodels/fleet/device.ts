/** What a device has for sub-models; what is absent has no limit. */
export interface Device {
  readonly name: string;
  readonly memoryBytes?: number | undefined;
  /** Multiply-adds per image at most, of all that it hosts. */
  readonly macs?: number | undefined;
  /** Milliseconds per image at most; needs `macsPerSecond`. */
  readonly latencyMs?: number | undefined;
  /** Measured multiply-adds per second. */
  readonly macsPerSecond?: number | undefined;
  /** Joule per image at most; needs `energyPerMacJ`. */
  readonly energyJ?: number | undefined;
  readonly energyPerMacJ?: number | undefined;
}

/** The limits of a device by the names that a config has for them. */
export type LimitName = 'memoryMiB' | 'macs' | 'latencyMs' | 'energyJ';

/** The smallest of the limits that bound a device's multiply-adds per image, and which one that is. */
export function macsLimit(device: Device): { readonly macs: number; readonly limit: LimitName } {
  const { macs, latencyMs, macsPerSecond, energyJ, energyPerMacJ } = device;
  const bounds: { macs: number; limit: LimitName }[] = [{ macs: macs ?? Infinity, limit: 'macs' }];
  if (latencyMs !== undefined && macsPerSecond !== undefined) {
    bounds.push({ macs: (latencyMs / 1000) * macsPerSecond, limit: 'latencyMs' });
  }
  if (energyJ !== undefined && energyPerMacJ !== undefined) {
    bounds.push({ macs: energyJ / energyPerMacJ, limit: 'energyJ' });
  }
  return bounds.reduce((least, bound) => (bound.macs < least.macs ? bound : least));
}
