import type { Event } from '../runner/contract.ts';
import { lookOf, type Look } from './look.ts';

export interface ThinLooks {
  readonly handle: (event: Event) => void;
  /** Takes what was held back. */
  readonly flush: () => void;
}

/**
 * Of every job's looks the first, then at most one in `everyMs`, and the last: jobs report several times a second, all night.
 * @param take is told of the time, in milliseconds since 1970
 */
export function thinLooks(
  everyMs: number,
  take: (look: Look, time: number) => void,
  now: () => number = Date.now,
): ThinLooks {
  const taken = new Map<string, number>();
  const held = new Map<string, readonly [look: Look, time: number]>();
  const release = (job: string): void => {
    const last = held.get(job);
    held.delete(job);
    if (last === undefined) return;
    taken.set(job, last[1]);
    take(...last);
  };
  return {
    handle(event) {
      const look = lookOf(event);
      if (look !== undefined) {
        const time = now();
        held.set(look.job, [look, time]);
        if (time - (taken.get(look.job) ?? -Infinity) >= everyMs) release(look.job);
      } else if (
        event.type === 'job-finished' ||
        event.type === 'job-failed' ||
        event.type === 'job-interrupted'
      ) {
        release(event.job);
        taken.delete(event.job);
      }
    },
    flush() {
      for (const job of [...held.keys()]) release(job);
    },
  };
}
