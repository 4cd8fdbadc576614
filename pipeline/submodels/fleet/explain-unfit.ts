import { macsLimit } from './device.ts';
import type { FitTask, Unfit } from './fit.ts';
import { smallestOf } from './level.ts';
import { countWithin, roomOf } from './room.ts';

/**
 * Which device stands in the way, for a task where not even the smallest level fits; undefined where it does. It is the
 * one that holds the fewest, and of its limits the one that the next sub-model would break, memory first.
 */
export function explainUnfit({ devices, submodels, ladder }: FitTask): Unfit | undefined {
  const level = smallestOf(ladder);
  const counts = devices.map((device) => countWithin(roomOf(device), level, submodels));
  const hosted = counts.reduce((sum, count) => sum + count, 0);
  if (hosted >= submodels) return undefined;
  const fewest = counts.indexOf(Math.min(...counts));
  const device = devices[fewest]!;
  const count = counts[fewest]! + 1;
  const memory = device.memoryBytes ?? Infinity;
  const shared = { fits: false, level, submodels, hosted, device: device.name } as const;
  if (count * level.memoryBytes > memory) {
    const needed = (count * level.memoryBytes) / 2 ** 20;
    return { ...shared, limit: 'memoryMiB', needed, available: memory / 2 ** 20 };
  }
  const { limit, available, perMac } = macsLimit(device);
  return { ...shared, limit, needed: count * level.macs * perMac, available };
}
