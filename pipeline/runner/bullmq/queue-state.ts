import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { QueuedJob, QueuedProgress, QueuedReply } from './queued-job.ts';

export type JobQueueOf = Queue<QueuedJob, QueuedReply>;

/** What the queue knows of a job. */
export type QueuedState =
  | { readonly type: 'unknown' }
  | { readonly type: 'waiting'; readonly progress?: QueuedProgress | undefined }
  | { readonly type: 'completed'; readonly reply: QueuedReply }
  | { readonly type: 'failed'; readonly why: string };

/** Asks for many jobs in one round trip, and only for what tells their state: not for the requests. */
export async function askStates(
  redis: Redis,
  queue: JobQueueOf,
  ids: readonly string[],
): Promise<readonly QueuedState[]> {
  const pipeline = redis.pipeline();
  for (const id of ids) {
    pipeline.hmget(queue.toKey(id), 'timestamp', 'finishedOn', 'returnvalue', 'failedReason', 'progress');
  }
  const answers = (await pipeline.exec()) ?? [];
  return ids.map((_, index) => {
    const [error, fields] = answers[index] ?? [new Error('no answer'), undefined];
    if (error !== null) throw error;
    return stateOf(fields as readonly (string | null)[]);
  });
}

function stateOf([timestamp, finished, returned, why, progress]: readonly (
  string | null | undefined
)[]): QueuedState {
  if (!timestamp) return { type: 'unknown' };
  if (finished && returned) return { type: 'completed', reply: JSON.parse(returned) as QueuedReply };
  if (finished) return { type: 'failed', why: why ?? 'no reason was given' };
  const told = progress ? (JSON.parse(progress) as QueuedProgress | number) : undefined;
  return { type: 'waiting', progress: typeof told === 'object' ? told : undefined };
}

/**
 * Takes back what this run has waiting in the queue: it is queued again when its turn comes, if it still is to be done.
 * @returns ids of its jobs that are being done or have been: another controller queued them
 */
export async function takeBackWaiting(queue: JobQueueOf, runId: string): Promise<Set<string>> {
  const ofRun = (id: string | undefined): id is string => id?.startsWith(`${runId}-`) === true;
  const waiting = await queue.getJobs(['waiting', 'prioritized', 'delayed']);
  const ids = waiting.map(({ id }) => id).filter(ofRun);
  await Promise.all(ids.map((id) => queue.remove(id)));
  const others = await queue.getJobs(['active', 'completed', 'failed']);
  return new Set(others.map(({ id }) => id).filter(ofRun));
}

/** Attempts in whose folders somebody works, or whose outputs wait to be read. */
export async function livingAttempts(queue: JobQueueOf, runId: string): Promise<ReadonlySet<string>> {
  const jobs = await queue.getJobs(['active', 'completed']);
  const living = new Set<string>();
  for (const { id, progress, returnvalue } of jobs) {
    if (id?.startsWith(`${runId}-`) !== true) continue;
    const told = progress as unknown as QueuedProgress | number;
    if (typeof told === 'object') living.add(told.attempt);
    // Absent where the job has not been done: BullMQ's types do not say so.
    const reply = returnvalue as QueuedReply | null | undefined;
    if (reply) living.add(reply.attempt);
  }
  return living;
}

/** Workers name their connection `host:process:slots`. @returns the slots of all together, 0 where there is none */
export async function seenWorkers(queue: JobQueueOf): Promise<{ readonly slots: number }> {
  const names = (await queue.getWorkers()).flatMap((client) => {
    const name = /:w:(\S+)$/.exec(client.rawname ?? '')?.[1];
    return name === undefined ? [] : [name];
  });
  const slots = names.map((name) => Number(/:(\d+)$/.exec(name)?.[1] ?? 1));
  return { slots: slots.reduce((sum, count) => sum + count, 0) };
}
