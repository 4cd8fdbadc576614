import { explainUnfit } from './explain-unfit.ts';
import { fitWorth } from './fit-worth.ts';
import type { Fit, FitTask, Placement } from './fit.ts';
import { requireFalling, type Level } from './level.ts';
import { hasRoom, roomOf, without } from './room.ts';

/**
 * As published (EC-SNN, IJCAI 2024, algorithm 1; ED-ViT, arXiv 2410.11650): sub-models by cost, each to the device with most
 * left of those with the memory; where one finds no place, the largest becomes one level smaller and all are placed anew.
 * A device that has none yet comes before one that has: there, a device takes one only; here, more where there is no other.
 */
export function fitGreedy(task: FitTask): Fit {
  const { ladder, submodels } = task;
  requireFalling(ladder);
  const unfit = explainUnfit(task);
  if (unfit !== undefined) return unfit;
  const levels = new Array<number>(submodels).fill(0);
  for (;;) {
    const placements = place(
      task,
      levels.map((index) => ladder[index]!),
    );
    if (placements !== undefined) {
      return { fits: true, placements, worth: fitWorth(task, placements), proven: false };
    }
    const largest = levels.indexOf(Math.min(...levels));
    if (levels[largest] === ladder.length - 1) {
      throw new Error('sub-models of the smallest level have room and find none');
    }
    levels[largest]!++;
  }
}

function place({ devices }: FitTask, levels: readonly Level[]): readonly Placement[] | undefined {
  const hosts = devices.map((device, index) => ({ index, room: roomOf(device), hosted: 0 }));
  const placements: Placement[] = [];
  const bySize = levels
    .map((_, submodel) => submodel)
    .sort((a, b) => levels[b]!.macs - levels[a]!.macs || a - b);
  for (const submodel of bySize) {
    const level = levels[submodel]!;
    const [host] = hosts
      .filter(({ room }) => hasRoom(room, level))
      .sort(
        (a, b) =>
          Math.min(a.hosted, 1) - Math.min(b.hosted, 1) ||
          descending(a.room.macs, b.room.macs) ||
          a.hosted - b.hosted ||
          descending(a.room.memoryBytes, b.room.memoryBytes) ||
          a.index - b.index,
      );
    if (host === undefined) return undefined;
    host.room = without(host.room, level);
    host.hosted++;
    placements.push({ submodel, device: host.index, level });
  }
  return placements.sort((a, b) => a.submodel - b.submodel);
}

/** Two infinite numbers have no difference. */
function descending(a: number, b: number): number {
  return a === b ? 0 : b - a;
}
