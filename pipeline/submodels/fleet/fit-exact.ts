import { bestLoad, type Work } from './best-load.ts';
import { explainUnfit } from './explain-unfit.ts';
import { fitWorth, ratesOf } from './fit-worth.ts';
import type { Fit, FitTask, Placement } from './fit.ts';
import { requireFalling, smallestOf, type Ladder, type Level } from './level.ts';
import { countWithin, roomOf } from './room.ts';

/** Trials at most; about a second. Ten sub-models on devices of a kind need some hundred thousand. */
const mostTrials = 20_000_000;

/** The first devices with so many sub-models at their best. */
interface Prefix {
  readonly macs: number;
  /** Of the slowest of them: seconds, or multiply-adds where no rate is known. */
  readonly slowest: number;
  /** By device. */
  readonly loads: readonly (readonly Level[])[];
}

/**
 * The best fit: the largest smallest level, of those the most multiply-adds in all, of those the fastest slowest device. Before
 * slicing sub-models are alike, so a fit is how many of which levels each device hosts; counts are chosen by a dynamic
 * programme over devices, levels within a device by `bestLoad`. `proven` unless that ran out of its trials.
 */
export function fitExact(task: FitTask): Fit {
  const { devices, submodels, ladder } = task;
  requireFalling(ladder);
  const unfit = explainUnfit(task);
  if (unfit !== undefined) return unfit;
  const rooms = devices.map(roomOf);
  const capacityAt = (level: Level): number =>
    rooms.reduce((sum, room) => sum + countWithin(room, level, submodels), 0);
  const smallest = ladder.findIndex((level) => capacityAt(level) >= submodels);
  const work: Work = { left: mostTrials };
  const loads = loadsByDevice(task, ladder.slice(0, smallest + 1), work);
  const rates = ratesOf(devices) ?? devices.map(() => 1);
  let prefixes: (Prefix | undefined)[] = [{ macs: 0, slowest: 0, loads: [] }];
  for (const [device, ofCount] of loads.entries()) {
    const next = new Array<Prefix | undefined>(submodels + 1).fill(undefined);
    for (const [before, prefix] of prefixes.entries()) {
      if (prefix === undefined) continue;
      for (const [count, levels] of ofCount.entries()) {
        if (levels === undefined || before + count > submodels) continue;
        const macs = levels.reduce((sum, level) => sum + level.macs, 0);
        const extended: Prefix = {
          macs: prefix.macs + macs,
          slowest: Math.max(prefix.slowest, macs / rates[device]!),
          loads: [...prefix.loads, levels],
        };
        if (isBetter(extended, next[before + count])) next[before + count] = extended;
      }
    }
    prefixes = next;
  }
  const best = prefixes[submodels];
  if (best === undefined) throw new Error('sub-models have room and find none');
  const placements = best.loads
    .flatMap((levels, device) => levels.map((level) => ({ device, level })))
    .map((placement, submodel): Placement => ({ submodel, ...placement }));
  return { fits: true, placements, worth: fitWorth(task, placements), proven: work.left > 0 };
}

function isBetter(a: Prefix, b: Prefix | undefined): boolean {
  return b === undefined || a.macs > b.macs || (a.macs === b.macs && a.slowest < b.slowest);
}

/** The best load of every device for every count, undefined where there is none; equal devices are asked once. */
function loadsByDevice(
  { devices, submodels }: FitTask,
  ladder: Ladder,
  work: Work,
): readonly (readonly (readonly Level[] | undefined)[])[] {
  const known = new Map<string, (readonly Level[] | undefined)[]>();
  return devices.map((device) => {
    const room = roomOf(device);
    const key = `${room.memoryBytes} ${room.macs}`;
    let loads = known.get(key);
    if (loads === undefined) {
      const most = countWithin(room, smallestOf(ladder), submodels);
      loads = Array.from({ length: most + 1 }, (_, count) => bestLoad(ladder, room, count, work));
      known.set(key, loads);
    }
    return loads;
  });
}
