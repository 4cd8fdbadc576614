import type { FitTask, FitWorth, Placement } from './fit.ts';
import type { Device } from './device.ts';

/** @param placements of every sub-model */
export function fitWorth({ devices }: Pick<FitTask, 'devices'>, placements: readonly Placement[]): FitWorth {
  const loads = devices.map((_, device) =>
    placements
      .filter((placement) => placement.device === device)
      .reduce((sum, { level }) => sum + level.macs, 0),
  );
  const rates = ratesOf(devices);
  return {
    smallestLevel: Math.min(...placements.map(({ level }) => level.level)),
    totalMacs: loads.reduce((sum, load) => sum + load, 0),
    slowestMs:
      rates === undefined
        ? undefined
        : Math.max(...loads.map((load, device) => (1000 * load) / rates[device]!)),
    slowestMacs: Math.max(...loads),
  };
}

/** Positive where `a` is worth more, 0 where they are worth the same. */
export function compareWorth(a: FitWorth, b: FitWorth): number {
  if (a.smallestLevel !== b.smallestLevel) return a.smallestLevel - b.smallestLevel;
  if (a.totalMacs !== b.totalMacs) return a.totalMacs - b.totalMacs;
  return (b.slowestMs ?? b.slowestMacs) - (a.slowestMs ?? a.slowestMacs);
}

/**
 * Multiply-adds per second by device: one that tells none counts as fast as the slowest that does. Undefined where none
 * tells; then all are taken for equally fast.
 */
export function ratesOf(devices: readonly Device[]): readonly number[] | undefined {
  const known = devices.flatMap(({ macsPerSecond }) => (macsPerSecond === undefined ? [] : [macsPerSecond]));
  if (known.length === 0) return undefined;
  const slowest = Math.min(...known);
  return devices.map(({ macsPerSecond }) => macsPerSecond ?? slowest);
}
