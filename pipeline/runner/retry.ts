import { setTimeout as sleep } from 'node:timers/promises';
import type { JobFailure } from './job-failure.ts';

/** How often what may pass is tried again. */
export interface Retries {
  readonly times: number;
  /** Before the first; each further wait is twice the one before, up to `longestWaitSeconds`. */
  readonly waitSeconds: number;
}

/** What has not passed in an hour is looked at by somebody. */
export const longestWaitSeconds = 3600;

/**
 * @param attempt that failed, from 1
 * @returns seconds to wait before the next one; undefined where there is none
 */
export function waitBeforeRetry(
  { passing = false }: Pick<JobFailure, 'passing'>,
  attempt: number,
  { times, waitSeconds }: Retries,
): number | undefined {
  const most = passing === 'once' ? Math.min(1, times) : times;
  if (passing === false || attempt > most) return undefined;
  return Math.min(longestWaitSeconds, waitSeconds * 2 ** (attempt - 1));
}

/** @returns whether it waited to the end: false as soon as `signal` is aborted */
export async function waitUnless(signal: AbortSignal | undefined, seconds: number): Promise<boolean> {
  try {
    await sleep(seconds * 1000, undefined, { signal });
    return true;
  } catch (error) {
    if (signal?.aborted !== true) throw error;
    return false;
  }
}
