import type { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobQueueOf } from './queue-state.ts';

const lookMs = 500;
/** A controller queues a job some time after those that it needs have ended. */
const emptyMs = 5000;

/** @returns true when nothing has waited in the queue or been at work for a while; false where `signal` was aborted before */
export async function untilEmpty(queue: JobQueueOf, redis: Redis, signal: AbortSignal): Promise<boolean> {
  let since: number | undefined;
  while (!signal.aborted) {
    await sleep(lookMs, undefined, { signal }).catch(() => undefined);
    if (redis.status !== 'ready') continue;
    const counts = await queue
      .getJobCounts('wait', 'prioritized', 'delayed', 'active')
      .catch(() => ({ unknown: 1 }));
    const isEmpty = Object.values(counts).every((count) => count === 0);
    since = isEmpty ? (since ?? Date.now()) : undefined;
    if (since !== undefined && Date.now() - since >= emptyMs) return true;
  }
  return false;
}
