import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { failureOf } from '../../util/system-failure.ts';
import type { JobReply, JobRequest, JobWatcher } from '../executor.ts';
import type { JobFailure } from '../job-failure.ts';
import type { QueuedJob, QueuedProgress, QueuedReply } from './queued-job.ts';

/** A job that was queued and whose end is waited for. */
export interface Flight {
  readonly id: string;
  readonly job: QueuedJob;
  /** Whose start, progress and warnings were told. */
  hear(told: Pick<QueuedProgress, 'worker' | 'attempt' | 'report' | 'warnings'>): void;
  readonly end: (reply: JobReply) => void;
  /** Its reply is being looked at: no other counts. */
  landing: boolean;
  /** Replies whose outputs are not to be seen here. */
  unseen: number;
}

/** @param slot for whoever shows the run */
export function createFlight(
  parts: Pick<Flight, 'id' | 'job' | 'end'>,
  watcher: JobWatcher,
  slot: () => number,
): Flight {
  const warned = new Set<string>();
  let attempt: string | undefined;
  return {
    ...parts,
    landing: false,
    unseen: 0,
    hear(told) {
      if (told.attempt !== attempt) watcher.onStart(slot(), told.worker);
      attempt = told.attempt;
      // Another attempt says again what the first one said.
      for (const message of told.warnings) {
        if (!warned.has(message)) watcher.onReport({ type: 'warning', message });
        warned.add(message);
      }
      if (told.report !== undefined) watcher.onReport(told.report);
    },
  };
}

/** Whether all that a worker says it wrote can be seen from here, in the size it said; true where it came otherwise. */
export async function outputsAreThere(
  runFolder: string,
  { folder, outputs }: JobReply & { type: 'finished' },
): Promise<boolean> {
  if (folder === undefined) return true;
  const place = join(runFolder, folder);
  const found = await Promise.all([
    lstat(place).then((entry) => entry.isDirectory()),
    ...outputs.map(async ({ path, sizeBytes }) => (await lstat(join(place, path))).size === sizeBytes),
  ]).catch(() => [false]);
  return found.every(Boolean);
}

/** A worker wrote what nobody finds here: it looks at another folder. */
export function unseenOutputs(
  { job, folder }: JobRequest,
  { worker, reply }: QueuedReply,
  runFolder: string,
): JobFailure {
  const written = reply.type === 'finished' ? (reply.folder ?? folder) : folder;
  return {
    failure: {
      reason: 'place-unusable',
      subject: job.id,
      found: `${worker} wrote its outputs to ${written} of the run folder, and they are not in ${runFolder} here`,
      expected: 'a run folder that this machine and all workers see',
      next: 'start workers with --runs DIR, where DIR is the same shared folder as here (docs/queue.md)',
    },
  };
}

/** The queue gave it up: whoever did it was lost, time and again. */
export function lostWorkers({ job }: JobRequest, why: string): JobFailure {
  return {
    failure: {
      reason: 'job-failed',
      subject: job.id,
      found: `the queue gave it up: ${why}`,
      next: 'look why workers end while they do it (memory, disk); the same command tries again',
    },
    passing: true,
  };
}

/** The server refused a command: it is full, or read only. */
export function queueTrouble(shown: string, error: unknown): JobFailure {
  const failure = failureOf(error) ?? {
    reason: 'place-unusable' as const,
    subject: shown,
    found: `the queue took no job: ${error instanceof Error ? error.message : String(error)}`,
    next: 'look at the server’s log; the same command goes on',
  };
  return { failure, passing: true };
}
