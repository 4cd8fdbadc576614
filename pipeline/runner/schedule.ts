import type { JobId } from './contract.ts';
import { dependenciesOf, type PlannedJob } from './plan.ts';
import { rankByWayToEnd } from './queue.ts';

/** What is known of the jobs at the moment from which a schedule is played. */
export interface Situation {
  readonly slots: number;
  /** Seconds of a job, or what is left of one that runs. */
  readonly secondsOf: (planned: PlannedJob) => number;
  /** Default: none runs. */
  readonly isRunning?: (id: JobId) => boolean;
  /** Default: none has ended. */
  readonly hasEnded?: (id: JobId) => boolean;
}

/** Some jobs as a schedule sees them: made once, played through often. */
export interface Schedule {
  /**
   * List scheduling, as the runner does it: a job starts when what it depends on has ended and a slot is free, of several the one with
   * the longest way to the end first; an exclusive one when nothing else runs or could.
   * @returns seconds until all have ended
   */
  play(situation: Situation): number;
}

interface Active {
  readonly index: number;
  readonly end: number;
}

/** @param jobs each behind those it depends on; what is not among them has ended */
export function createSchedule(jobs: readonly PlannedJob[]): Schedule {
  const places = new Map(jobs.map(({ job }, index) => [job.id, index]));
  const dependents = jobs.map((): number[] => []);
  for (const [index, { job }] of jobs.entries()) {
    for (const id of dependenciesOf(job)) {
      const place = places.get(id);
      if (place !== undefined) dependents[place]!.push(index);
    }
  }
  const ranks = ranksOf(jobs);
  const worth = (index: number): number => -ranks[index]!;
  const isExclusive = (index: number): boolean => jobs[index]!.job.exclusive ?? false;

  return {
    play({ slots, secondsOf, isRunning = () => false, hasEnded = () => false }) {
      const waitsFor = new Int32Array(jobs.length);
      const unended = [...places].flatMap(([id, index]) => (hasEnded(id) ? [] : [index]));
      for (const index of unended) for (const dependent of dependents[index]!) waitsFor[dependent]!++;

      // What goes next is the last.
      const active: Active[] = [];
      const ready: number[] = [];
      const exclusive: number[] = [];
      let clock = 0;
      const start = (index: number): void => {
        insert(active, { index, end: clock + secondsOf(jobs[index]!) }, ({ end }) => -end);
      };
      const makeReady = (index: number): void => {
        if (isExclusive(index)) exclusive.push(index);
        else insert(ready, index, worth);
      };
      for (const index of unended) {
        if (isRunning(jobs[index]!.job.id)) start(index);
        else if (waitsFor[index] === 0) makeReady(index);
      }
      for (;;) {
        const alone = active.length === 1 && isExclusive(active[0]!.index);
        while (!alone && active.length < slots) {
          const index = ready.pop();
          if (index === undefined) break;
          start(index);
        }
        const lonely = active.length === 0 ? exclusive.shift() : undefined;
        if (lonely !== undefined) start(lonely);
        const next = active.pop();
        if (next === undefined) return clock;
        clock = next.end;
        for (const dependent of dependents[next.index]!) {
          if (--waitsFor[dependent]! === 0) makeReady(dependent);
        }
      }
    },
  };
}

/** The place of each job among all: the longest way to the end first, of equals the first in the plan. */
function ranksOf(jobs: readonly PlannedJob[]): Int32Array {
  const ways = rankByWayToEnd({ jobs });
  const wayOf = (index: number): number => ways.get(jobs[index]!.job.id) ?? 0;
  const sorted = jobs.map((_, index) => index).sort((a, b) => wayOf(b) - wayOf(a) || a - b);
  const ranks = new Int32Array(jobs.length);
  for (const [rank, index] of sorted.entries()) ranks[index] = rank;
  return ranks;
}

/** Behind all whose key is no greater. */
function insert<T>(sorted: T[], item: T, keyOf: (item: T) => number): void {
  const key = keyOf(item);
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyOf(sorted[middle]!) <= key) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, item);
}
