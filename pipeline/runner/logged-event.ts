import type { Failure } from '../util/failure.ts';
import type { Event } from './contract.ts';

/** An event as it stands in a log. */
export type LoggedEvent = Event & { readonly time: string };

/**
 * A line of a log. Others write logs, too: a job is a text, and of a failure something is said, if only that nothing is told of it; all else
 * is to be asked for.
 * @returns undefined for a line that a crash cut short, and what is no event
 */
export function parseLoggedEvent(line: string): LoggedEvent | undefined {
  try {
    const event = JSON.parse(line) as Partial<LoggedEvent & { job: unknown }> | null;
    if (typeof event?.type !== 'string' || typeof event.time !== 'string') return undefined;
    if ('job' in event && typeof event.job !== 'string') return undefined;
    if (event.type === 'job-failed' || event.type === 'job-retried') {
      const { failure } = event as { failure?: { found?: unknown; subject?: unknown } | null };
      const isWhole = typeof failure?.found === 'string' && typeof failure.subject === 'string';
      if (!isWhole) return { ...event, failure: untold(String(event.job)) } as LoggedEvent;
    }
    return event as LoggedEvent;
  } catch {
    return undefined;
  }
}

function untold(subject: string): Failure {
  return { reason: 'job-failed', subject, found: 'the log does not tell what' };
}
