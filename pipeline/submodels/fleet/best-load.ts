import { smallestOf, type Ladder, type Level } from './level.ts';
import type { Room } from './room.ts';

/** Trials that are left to a search, shared by all of its parts. */
export interface Work {
  left: number;
}

/**
 * The `count` levels with the most multiply-adds that one device has room for; undefined where it has none. Branch and bound
 * over levels that never rise, as their order does not matter. Where the work runs out, the best so far.
 */
export function bestLoad(
  ladder: Ladder,
  room: Room,
  count: number,
  work: Work,
): readonly Level[] | undefined {
  const smallest = smallestOf(ladder);
  const ceiling = Math.min(room.macs, count * ladder[0]!.macs);
  const chosen: Level[] = [];
  let best: readonly Level[] | undefined;
  let bestMacs = -1;
  const visit = (from: number, memoryBytes: number, macs: number): void => {
    const left = count - chosen.length;
    if (left === 0) {
      if (macs > bestMacs) {
        best = [...chosen];
        bestMacs = macs;
      }
      return;
    }
    for (let index = from; index < ladder.length; index++) {
      const level = ladder[index]!;
      const hopes = Math.min(room.macs, macs + left * level.macs);
      // Every way down can be completed, so a first one is there after count x levels trials.
      if (hopes <= bestMacs || bestMacs >= ceiling || (work.left <= 0 && best !== undefined)) return;
      work.left--;
      const needed = memoryBytes + level.memoryBytes + (left - 1) * smallest.memoryBytes;
      if (needed > room.memoryBytes || macs + level.macs + (left - 1) * smallest.macs > room.macs) continue;
      chosen.push(level);
      visit(index, memoryBytes + level.memoryBytes, macs + level.macs);
      chosen.pop();
    }
  };
  visit(0, 0, 0);
  return best;
}
