import PQueue from 'p-queue';
import type { JobId } from './contract.ts';
import { dependenciesOf, type Plan } from './plan.ts';

/** Jobs that are ready, waiting for one of the slots. */
export interface JobQueue {
  /** @param exclusive starts when nothing else runs or is ready to, and keeps it so until it has ended */
  add<T>(
    start: () => Promise<T>,
    order: { readonly priority: number; readonly exclusive: boolean },
  ): Promise<T>;
}

export function createJobQueue(slots: number): JobQueue {
  const queue = new PQueue({ concurrency: slots });
  const exclusiveQueue = new PQueue({ concurrency: 1 });
  const alone = async <T>(start: () => Promise<T>): Promise<T> => {
    while (queue.size > 0 || queue.pending > 0) await queue.onIdle();
    queue.pause();
    try {
      return await start();
    } finally {
      queue.start();
    }
  };
  return {
    add: (start, { priority, exclusive }) =>
      exclusive ? exclusiveQueue.add(() => alone(start)) : queue.add(start, { priority }),
  };
}

/** Seconds from a job's start to the end of the longest chain behind it: what delays the run most goes first. */
export function rankByWayToEnd({ jobs }: Pick<Plan, 'jobs'>): ReadonlyMap<JobId, number> {
  const ways = new Map<JobId, number>();
  for (const { job } of [...jobs].reverse()) {
    const way = job.estimate.seconds + (ways.get(job.id) ?? 0);
    ways.set(job.id, way);
    for (const id of dependenciesOf(job)) ways.set(id, Math.max(ways.get(id) ?? 0, way));
  }
  return ways;
}
