import type { JobId } from './contract.ts';
import { dependenciesOf, type PlannedJob } from './plan.ts';

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
  left?: number;
  leftAt?: number;
}

/** Below this share of a job its speed is mostly noise (loading, compiling). */
const minimumShare = 0.01;

/** @param jobs those that may run; @param now in seconds, replaceable for tests. */
export function createTimeLeft(
  jobs: readonly PlannedJob[],
  slots: number,
  now: () => number = () => performance.now() / 1000,
): TimeLeft {
  const pending = new Map(jobs.map((planned) => [planned.job.id, planned]));
  const running = new Map<JobId, Running>();
  const measured = new Map<string, { seconds: number; estimated: number }>();

  /** Measured over estimated: of the job's own stage, else of everything so far, else 1. */
  const correction = (stage: string): number => {
    const own = measured.get(stage) ?? total(measured.values());
    return own.estimated > 0 && own.seconds > 0 ? own.seconds / own.estimated : 1;
  };
  const expected = ({ job, stage }: PlannedJob): number => {
    const whole = job.estimate.seconds * correction(stage);
    const state = running.get(job.id);
    if (state === undefined) return whole;
    if (state.left !== undefined && state.leftAt !== undefined) {
      return Math.max(0, state.left - (now() - state.leftAt));
    }
    return Math.max(0, whole - (now() - state.since));
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
      state.left = ((time - state.base.time) * (1 - fraction)) / share;
      state.leftAt = time;
      return state.left;
    },
    ended(id, ran) {
      const planned = pending.get(id);
      const state = running.get(id);
      // A resumed job did only a part of its work: its time says nothing about the others.
      if (ran && planned !== undefined && state?.base?.fraction === 0) {
        const sums = measured.get(planned.stage) ?? { seconds: 0, estimated: 0 };
        sums.seconds += now() - state.since;
        sums.estimated += planned.job.estimate.seconds;
        measured.set(planned.stage, sums);
      }
      running.delete(id);
      pending.delete(id);
    },
    run: () => simulate([...pending.values()], expected, (id) => running.has(id), slots),
  };
}

/**
 * Plays the schedule through: jobs start when what they depend on has ended and a slot is free, in plan order;
 * exclusive jobs start on an idle machine.
 */
function simulate(
  jobs: readonly PlannedJob[],
  secondsOf: (job: PlannedJob) => number,
  isRunning: (id: JobId) => boolean,
  slots: number,
): number {
  const waiting = new Set(jobs.filter(({ job }) => !isRunning(job.id)));
  const unended = new Set(jobs.map(({ job }) => job.id));
  const active = jobs
    .filter(({ job }) => isRunning(job.id))
    .map((planned) => ({ planned, end: secondsOf(planned) }));
  let clock = 0;
  for (;;) {
    for (const planned of waiting) {
      if (active.length >= slots || active.some(({ planned: other }) => other.job.exclusive)) break;
      if (planned.job.exclusive && active.length > 0) continue;
      if (dependenciesOf(planned.job).some((id) => unended.has(id))) continue;
      waiting.delete(planned);
      active.push({ planned, end: clock + secondsOf(planned) });
    }
    active.sort((a, b) => a.end - b.end);
    const next = active.shift();
    if (next === undefined) return clock;
    clock = next.end;
    unended.delete(next.planned.job.id);
  }
}

function total(sums: Iterable<{ seconds: number; estimated: number }>): {
  seconds: number;
  estimated: number;
} {
  let seconds = 0;
  let estimated = 0;
  for (const sum of sums) {
    seconds += sum.seconds;
    estimated += sum.estimated;
  }
  return { seconds, estimated };
}
