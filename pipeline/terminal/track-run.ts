import type { Event, JobId } from '../runner/contract.ts';

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;

/** What a run came to so far. */
export interface RunState {
  readonly started?: EventOf<'run-started'> | undefined;
  readonly finished?: EventOf<'run-finished'> | undefined;
  /** Latest progress of each running job; undefined before its first. */
  readonly running: ReadonlyMap<JobId, EventOf<'job-progress'> | undefined>;
  readonly done: number;
  readonly fresh: number;
  /** Tries that went wrong and were, or are to be, made again. */
  readonly retried: number;
  readonly failures: readonly EventOf<'job-failed'>[];
  readonly blocked: readonly EventOf<'job-blocked'>[];
  readonly interrupted: readonly JobId[];
  readonly warnings: readonly EventOf<'job-warning'>[];
  /** What this run is for is complete: it was made now, or was up to date. */
  readonly hasResult: boolean;
  /** The latest estimate for the whole run. */
  readonly secondsLeft?: number | undefined;
}

/**
 * Adds the events up. `state` is live.
 * @param result the job that makes what the run is for, if one does
 */
export function trackRun(result?: JobId): {
  readonly state: RunState;
  readonly handle: (event: Event) => void;
} {
  const state = {
    started: undefined as EventOf<'run-started'> | undefined,
    finished: undefined as EventOf<'run-finished'> | undefined,
    running: new Map<JobId, EventOf<'job-progress'> | undefined>(),
    done: 0,
    fresh: 0,
    retried: 0,
    failures: [] as EventOf<'job-failed'>[],
    blocked: [] as EventOf<'job-blocked'>[],
    interrupted: [] as JobId[],
    warnings: [] as EventOf<'job-warning'>[],
    hasResult: false,
    secondsLeft: undefined as number | undefined,
  };
  const handle = (event: Event): void => {
    switch (event.type) {
      case 'run-started':
        state.started = event;
        break;
      case 'job-skipped':
        state.fresh++;
        state.hasResult ||= event.job === result;
        break;
      case 'job-started':
        state.running.set(event.job, undefined);
        break;
      case 'job-progress':
        state.running.set(event.job, event);
        state.secondsLeft = event.runSecondsLeft ?? state.secondsLeft;
        break;
      case 'job-warning':
        state.warnings.push(event);
        break;
      case 'job-finished':
        state.running.delete(event.job);
        state.secondsLeft = event.runSecondsLeft ?? state.secondsLeft;
        state.done++;
        state.hasResult ||= event.job === result;
        break;
      case 'job-retried':
        state.running.delete(event.job);
        state.retried++;
        break;
      case 'job-failed':
        state.running.delete(event.job);
        state.failures.push(event);
        break;
      case 'job-blocked':
        state.blocked.push(event);
        break;
      case 'job-interrupted':
        state.running.delete(event.job);
        state.interrupted.push(event.job);
        break;
      case 'run-finished':
        state.finished = event;
        state.running.clear();
        break;
    }
  };
  return { state, handle };
}
