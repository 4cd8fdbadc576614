import { Queue, QueueEvents } from 'bullmq';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectQueue, type ConnectOptions } from './connect.ts';
import { queuedPriority, type QueuedJob, type QueuedProgress, type QueuedReply } from './queued-job.ts';
import { askStates, type JobQueueOf, type QueuedState } from './queue-state.ts';
import { keepSeconds } from './times.ts';

/** A controller's side of the queue. */
export interface QueueClient {
  readonly queue: JobQueueOf;
  /** The server, as it may be shown. */
  readonly shown: string;
  readonly isConnected: boolean;
  /** A job that is there already stays as it is. */
  add(id: string, job: QueuedJob): Promise<void>;
  /** Nothing happens where it is not there, or at work. Never fails. */
  remove(id: string): Promise<void>;
  states(ids: readonly string[]): Promise<readonly QueuedState[]>;
  close(): Promise<void>;
}

/** What the queue says by itself, at once; may be lost. */
export interface QueueListener {
  onProgress(id: string, progress: QueuedProgress): void;
  onCompleted(id: string, reply: QueuedReply): void;
}

const closeMs = 3000;

/** @throws BlockForgeError `place-unusable` where the server cannot be reached */
export async function openQueueClient(
  { name, ...options }: ConnectOptions & { readonly name: string },
  listener: QueueListener,
): Promise<QueueClient> {
  const { redis, shown, close } = await connectQueue(options);
  const queue: JobQueueOf = new Queue(name, { connection: redis });
  const events = new QueueEvents(name, { connection: redis });
  // What the connection notes is enough.
  queue.on('error', () => undefined);
  events.on('error', () => undefined);
  events.on('progress', ({ jobId, data }) => listener.onProgress(jobId, data as unknown as QueuedProgress));
  events.on('completed', ({ jobId, returnvalue }) =>
    listener.onCompleted(jobId, returnvalue as unknown as QueuedReply),
  );
  return {
    queue,
    shown,
    get isConnected() {
      return redis.status === 'ready';
    },
    async add(id, job) {
      await queue.add(job.request.job.id, job, {
        jobId: id,
        priority: queuedPriority(job.request),
        removeOnComplete: { age: keepSeconds },
        removeOnFail: { age: keepSeconds },
      });
    },
    remove: (id) =>
      queue.remove(id).then(
        () => undefined,
        () => undefined,
      ),
    states: (ids) => askStates(redis, queue, ids),
    async close() {
      const closing = Promise.allSettled([events.close(), queue.close()]);
      await Promise.race([closing, sleep(closeMs, undefined, { ref: false })]);
      close();
    },
  };
}
