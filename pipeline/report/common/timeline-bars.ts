import { formatDuration } from '../../util/format.ts';
import { stageOf, type Try } from './run-history.ts';
import type { WorkClock } from './work-clock.ts';

/** One bar of the timeline. Seconds of the work clock. */
export interface TimelineBar {
  readonly lane: string;
  readonly stage: string;
  readonly start: number;
  readonly end: number;
  readonly went: 'well' | 'wrong';
  /** When pointed at. */
  readonly text: string;
}

interface Draft {
  readonly lane: string;
  readonly stage: string;
  readonly went: 'well' | 'wrong';
  readonly start: number;
  end: number;
  readonly tries: Try[];
}

/** More are not to be told apart, and make a page heavy. */
const maximumBars = 240;

const words: Readonly<Record<Try['end'], string>> = {
  finished: '',
  failed: ', failed',
  retried: ', went wrong and was tried again',
  interrupted: ', was stopped and kept its state',
  lost: ', and was not heard of again',
};

/**
 * Tries as bars: those of one who did several at once in lanes of their own, short ones of a stage that follow each other in one.
 */
export function timelineBars(tries: readonly Try[], clock: WorkClock): readonly TimelineBar[] {
  const lanes = lanesOf(tries);
  let bars = draftsOf(lanes, clock, clock.totalSeconds / 400);
  for (
    let shortest = clock.totalSeconds / 200;
    bars.length > maximumBars && shortest < clock.totalSeconds;
    shortest *= 2
  )
    bars = draftsOf(lanes, clock, shortest);
  return bars.map(({ lane, stage, went, start, end, tries: own }) => ({
    ...{ lane, stage, went, start, end },
    text: textOf(own, end - start, lane),
  }));
}

/** By lane, each in the order of time. */
function lanesOf(tries: readonly Try[]): ReadonlyMap<string, readonly Try[]> {
  const free = new Map<string, number[]>();
  const lanes = new Map<string, Try[]>();
  for (const entry of tries) {
    const ends = free.get(entry.by) ?? [];
    free.set(entry.by, ends);
    // Clocks are read before and after: a few ms are no overlap.
    const found = ends.findIndex((end) => end <= entry.started + 50);
    const place = found < 0 ? ends.length : found;
    ends[place] = entry.ended;
    const lane = place === 0 ? entry.by : `${entry.by} (${place + 1})`;
    const own = lanes.get(lane);
    if (own === undefined) lanes.set(lane, [entry]);
    else own.push(entry);
  }
  return new Map([...lanes].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })));
}

/** @param shortest what is shorter joins its neighbour of the same stage, across gaps that are no longer; seconds */
function draftsOf(
  lanes: ReadonlyMap<string, readonly Try[]>,
  clock: WorkClock,
  shortest: number,
): readonly Draft[] {
  const all: Draft[] = [];
  for (const [lane, tries] of lanes) {
    let last: Draft | undefined;
    for (const entry of tries) {
      const [start, end] = [clock.at(entry.started), clock.at(entry.ended)];
      const stage = stageOf(entry.job);
      const went = entry.end === 'finished' ? 'well' : 'wrong';
      const isShort = end - start < shortest || (last !== undefined && last.end - last.start < shortest);
      if (last?.stage === stage && last.went === went && isShort && start - last.end <= shortest) {
        last.end = Math.max(last.end, end);
        last.tries.push(entry);
        continue;
      }
      last = { lane, stage, went, start, end, tries: [entry] };
      all.push(last);
    }
  }
  return all;
}

function textOf(tries: readonly Try[], seconds: number, lane: string): string {
  const [first] = tries;
  const last = tries.at(-1);
  if (first === undefined || last === undefined) return '';
  const what = tries.length === 1 ? first.job : `${tries.length} jobs, ${first.job} to ${last.job}`;
  return `${what}: ${formatDuration(seconds)}, ${lane}${tries.length === 1 ? words[first.end] : ''}`;
}
