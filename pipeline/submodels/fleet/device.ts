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

/** One of the limits that bound a device's multiply-adds per image, in its own unit. */
export interface MacsLimit {
  readonly limit: LimitName;
  readonly available: number;
  /** Of that unit, for one multiply-add. */
  readonly perMac: number;
  readonly macs: number;
}

/** The smallest of a device's limits of its multiply-adds per image; infinite where it has none. */
export function macsLimit(device: Device): MacsLimit {
  const { macs = Infinity, latencyMs, macsPerSecond, energyJ, energyPerMacJ } = device;
  const limits: MacsLimit[] = [{ limit: 'macs', available: macs, perMac: 1, macs }];
  if (latencyMs !== undefined && macsPerSecond !== undefined) {
    const bound = (latencyMs / 1000) * macsPerSecond;
    limits.push({ limit: 'latencyMs', available: latencyMs, perMac: 1000 / macsPerSecond, macs: bound });
  }
  if (energyJ !== undefined && energyPerMacJ !== undefined) {
    const bound = energyJ / energyPerMacJ;
    limits.push({ limit: 'energyJ', available: energyJ, perMac: energyPerMacJ, macs: bound });
  }
  return limits.reduce((least, limit) => (limit.macs < least.macs ? limit : least));
}
