import type { Event, JobId } from '../../runner/contract.ts';
import type { JobStateLabel } from './metrics.ts';

type Progress = Extract<Event, { type: 'job-progress' }>;

/** What is known of a run's jobs, added up from its events. */
export interface Tally {
  /** In seconds since 1970; undefined before the run has begun. */
  readonly started?: number | undefined;
  readonly engine: string;
  readonly jobs: number;
  readonly states: ReadonlyMap<JobId, JobStateLabel>;
  /** The latest of each running job. */
  readonly running: ReadonlyMap<JobId, Progress>;
  /** By stage. */
  readonly seconds: ReadonlyMap<string, number>;
  readonly retries: ReadonlyMap<string, number>;
  readonly warnings: ReadonlyMap<string, number>;
  readonly secondsLeft?: number | undefined;
}

export const stageOf = (job: JobId): string => job.split('/', 1)[0] ?? job;

/** `tally` is live. */
export function tallyEvents(): { readonly tally: Tally; readonly handle: (event: Event) => void } {
  const states = new Map<JobId, JobStateLabel>();
  const running = new Map<JobId, Progress>();
  const seconds = new Map<string, number>();
  const retries = new Map<string, number>();
  const warnings = new Map<string, number>();
  const tally = {
    started: undefined as number | undefined,
    engine: '',
    jobs: 0,
    secondsLeft: undefined as number | undefined,
    ...{ states, running, seconds, retries, warnings },
  };
  const add = (sums: Map<string, number>, job: JobId, value: number) =>
    sums.set(stageOf(job), (sums.get(stageOf(job)) ?? 0) + value);
  const end = (job: JobId, state: JobStateLabel) => {
    running.delete(job);
    states.set(job, state);
  };
  const handle = (event: Event): void => {
    switch (event.type) {
      case 'run-started':
        tally.started = Date.parse(event.time) / 1000;
        tally.engine = event.engine;
        tally.jobs = event.jobs;
        break;
      case 'job-skipped':
        return end(event.job, 'fresh');
      case 'job-started':
        states.set(event.job, 'running');
        break;
      case 'job-progress':
        running.set(event.job, event);
        tally.secondsLeft = event.runSecondsLeft ?? tally.secondsLeft;
        break;
      case 'job-retried':
        add(retries, event.job, 1);
        break;
      case 'job-warning':
        add(warnings, event.job, 1);
        break;
      case 'job-finished':
        add(seconds, event.job, event.seconds);
        tally.secondsLeft = event.runSecondsLeft ?? tally.secondsLeft;
        return end(event.job, 'finished');
      case 'job-failed':
        return end(event.job, 'failed');
      case 'job-blocked':
        return end(event.job, 'blocked');
      case 'job-interrupted':
        return end(event.job, 'interrupted');
      case 'run-finished':
        tally.secondsLeft = undefined;
        running.clear();
        break;
    }
  };
  return { tally, handle };
}
