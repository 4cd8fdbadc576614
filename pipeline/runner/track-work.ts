import type { Event, JobId } from './contract.ts';
import { maximumFailures, type PulseEnd, type PulseJob, type PulseRecord } from './pulse-record.ts';

/** What the events of a process add up to. */
export type Work = Pick<
  PulseRecord,
  'running' | 'done' | 'fresh' | 'failed' | 'blocked' | 'failures' | 'secondsLeft'
>;

export interface WorkTracker {
  /** @returns whether more changed than how far a job has got */
  handle(event: Event): boolean;
  work(): Work;
  /** How the run ended, by its last event. */
  readonly end: PulseEnd | undefined;
}

/** Adds the events up, for those who look from outside. @param now as an ISO time, replaceable for tests */
export function trackWork(now: () => string = () => new Date().toISOString()): WorkTracker {
  const running = new Map<JobId, PulseJob>();
  const counts = { done: 0, fresh: 0, failed: 0, blocked: 0 };
  let failures: PulseRecord['failures'] = [];
  let secondsLeft: number | undefined;
  let end: PulseEnd | undefined;
  const handle = (event: Event): boolean => {
    switch (event.type) {
      case 'job-started': {
        const { job: id, slot, worker, resumed } = event;
        running.set(id, { id, since: now(), slot, worker, resumed });
        return true;
      }
      case 'job-progress': {
        const { job: id, fraction, note, metrics, rssBytes } = event;
        const before = running.get(id) ?? { id, since: now() };
        const progress = { fraction, note, metrics: metrics && { ...metrics }, rssBytes };
        running.set(id, { ...before, ...progress, secondsLeft: event.secondsLeft });
        secondsLeft = event.runSecondsLeft ?? secondsLeft;
        return false;
      }
      case 'job-retried':
        running.delete(event.job);
        return true;
      case 'job-skipped':
        counts.fresh++;
        return true;
      case 'job-finished':
        running.delete(event.job);
        secondsLeft = event.runSecondsLeft ?? secondsLeft;
        counts.done++;
        return true;
      case 'job-failed':
        running.delete(event.job);
        counts.failed++;
        failures = [{ job: event.job, time: now(), failure: event.failure }, ...failures].slice(
          0,
          maximumFailures,
        );
        return true;
      case 'job-blocked':
        counts.blocked++;
        return true;
      case 'job-interrupted':
        running.delete(event.job);
        return true;
      case 'run-finished':
        running.clear();
        end = event.interrupted ? 'interrupted' : event.failed + event.blocked > 0 ? 'failed' : 'finished';
        return true;
      case 'run-started':
        return true;
      case 'job-warning':
        return false;
    }
  };
  return {
    handle,
    work: () => ({ running: [...running.values()], ...counts, failures, secondsLeft }),
    get end() {
      return end;
    },
  };
}
