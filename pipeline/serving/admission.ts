import { status } from '@grpc/grpc-js';
import PQueue from 'p-queue';
import { Refusal } from './refusal.ts';
import type { ServingLimits } from './serving-limits.ts';

/** Lets so many requests work at once and so many wait. */
export interface Admission {
  /**
   * @param work is given the milliseconds that it waited
   * @param signal aborted when nobody wants the answer any more: what has not begun never does, and leaves the line
   * @throws Refusal RESOURCE_EXHAUSTED, CANCELLED
   */
  readonly admit: <T>(work: (waitedMs: number) => Promise<T>, signal: AbortSignal) => Promise<T>;
  /** When nothing works or waits any more. */
  readonly idle: () => Promise<void>;
}

export function createAdmission({
  maxRunning,
  maxWaiting,
}: Pick<ServingLimits, 'maxRunning' | 'maxWaiting'>): Admission {
  const queue = new PQueue({ concurrency: maxRunning });
  return {
    async admit(work, signal) {
      if (signal.aborted) throw cancelled();
      if (queue.pending >= maxRunning && queue.size >= maxWaiting)
        throw new Refusal(status.RESOURCE_EXHAUSTED, `busy: ${queue.size} images wait already`);
      const came = performance.now();
      // Aborted only while it waits: a computation cannot be stopped, and its place is taken until it ends.
      const waiting = new AbortController();
      const leave = (): void => waiting.abort(cancelled());
      signal.addEventListener('abort', leave, { once: true });
      return queue.add(
        () => {
          signal.removeEventListener('abort', leave);
          return work(performance.now() - came);
        },
        { signal: waiting.signal },
      );
    },
    idle: () => queue.onIdle(),
  };
}

function cancelled(): Refusal {
  return new Refusal(status.CANCELLED, 'whoever asked has left');
}
