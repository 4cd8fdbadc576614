import type { JobId } from './contract.ts';
import type { PlannedJob } from './plan.ts';
import { createSchedule } from './schedule.ts';
import { correctionOf, type Speed, type StageSpeeds } from './stage-speeds.ts';

/** Guesses how long is left, from the plan's estimates corrected by what was measured. All times in seconds. */
export interface TimeLeft {
  started(id: JobId, resumed: boolean): void;
  /** @returns seconds left for this job; undefined while nothing can be said. */
  progress(id: JobId, fraction: number): number | undefined;
  /** The job ended: `ran` = its time counts as a measurement. */
  ended(id: JobId, ran: boolean): void;
  /** Seconds left for all jobs that have not ended. */
  run(): number;
}

interface Running {
  readonly since: number;
  /** Where the measured share begins: a resumed job starts at its first report, not at zero. */
  base?: { readonly time: number; readonly fraction: number } | undefined;
  done?: { readonly time: number; readonly fraction: number };
  left?: number;
  leftAt?: number;
}

/** A schedule that was played is good for so many times the time it took: thousands of jobs that report must not keep a processor busy. */
const rest = 100;

/** Below this share of a job its speed is mostly noise (loading, compiling). */
const minimumShare = 0.01;

/** What is still left of a job that says nothing and takes longer than expected, as a share of what it took. */
const overtime = 0.2;

/** From this share on, how fast a running job is tells of the others of its stage. */
const tellingShare = 0.1;

/**
 * @param jobs those that may run, each behind what it depends on
 * @param slots how many are done at once, now
 * @param now in seconds, replaceable for tests
 */
export function createTimeLeft(
  jobs: readonly PlannedJob[],
  slots: () => number,
  now: () => number = () => performance.now() / 1000,
): TimeLeft {
  const pending = new Map(jobs.map((planned) => [planned.job.id, planned]));
  const schedule = createSchedule(jobs);
  let [played, playedAt, until] = [0, 0, -Infinity];
  const running = new Map<JobId, Running>();
  const measured = new Map<string, Speed>();
  const perJob = estimatesByStage(jobs);
  const total = jobs.reduce((sum, { job }) => sum + job.estimate.seconds, 0);

  /** What ended, and of what runs as much as was done of it. */
  const speeds = (): StageSpeeds => {
    const sums = new Map(measured);
    for (const [id, { done, base }] of running) {
      const planned = pending.get(id);
      if (done === undefined || planned === undefined || base === undefined) continue;
      const share = done.fraction - base.fraction;
      if (share >= tellingShare) add(sums, planned, done.time - base.time, share);
    }
    return sums;
  };
  let correction: (stage: string) => number;
  const expected = ({ job, stage }: PlannedJob): number => {
    const whole = job.estimate.seconds * correction(stage);
    const state = running.get(job.id);
    if (state === undefined) return whole;
    if (state.left !== undefined && state.leftAt !== undefined) {
      return Math.max(0, state.left - (now() - state.leftAt));
    }
    const passed = now() - state.since;
    return Math.max(whole - passed, overtime * passed);
  };

  return {
    started(id, resumed) {
      const since = now();
      running.set(id, { since, base: resumed ? undefined : { time: since, fraction: 0 } });
    },
    progress(id, fraction) {
      const state = running.get(id);
      if (state === undefined) return undefined;
      const time = now();
      state.base ??= { time, fraction };
      const share = fraction - state.base.fraction;
      if (share < minimumShare) return undefined;
      state.done = { time, fraction };
      state.left = ((time - state.base.time) * (1 - fraction)) / share;
      state.leftAt = time;
      return state.left;
    },
    ended(id, ran) {
      const planned = pending.get(id);
      const state = running.get(id);
      // A resumed job did only a part of its work: its time says nothing about the others.
      if (ran && planned !== undefined && state?.base?.fraction === 0) {
        add(measured, planned, now() - state.since, 1);
      }
      running.delete(id);
      pending.delete(id);
    },
    run() {
      const asked = now();
      if (asked < until) return Math.max(0, played - (asked - playedAt));
      correction = correctionOf(speeds(), perJob, total);
      played = schedule.play({
        slots: slots(),
        secondsOf: expected,
        isRunning: (id) => running.has(id),
        hasEnded: (id) => !pending.has(id),
      });
      playedAt = now();
      until = playedAt + (playedAt - asked) * rest;
      return played;
    },
  };
}

function add(sums: Map<string, Speed>, { stage, job }: PlannedJob, seconds: number, share: number): void {
  const { seconds: before, estimated } = sums.get(stage) ?? { seconds: 0, estimated: 0 };
  sums.set(stage, { seconds: before + seconds, estimated: estimated + share * job.estimate.seconds });
}

/** Of a job of each stage, the mean. */
function estimatesByStage(jobs: readonly PlannedJob[]): ReadonlyMap<string, number> {
  const sums = new Map<string, { count: number; seconds: number }>();
  for (const { stage, job } of jobs) {
    const { count, seconds } = sums.get(stage) ?? { count: 0, seconds: 0 };
    sums.set(stage, { count: count + 1, seconds: seconds + job.estimate.seconds });
  }
  return new Map([...sums].map(([stage, { count, seconds }]) => [stage, seconds / count]));
}
