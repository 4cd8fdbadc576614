import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../util/failure.ts';
import type { JobRequest } from '../executor.ts';
import { outputPlace } from '../publish.ts';
import type { QueuedJob } from './queued-job.ts';
import { readRunId } from './run-id.ts';

/** Whether a worker sees a run's folder, where all have to. @throws BlockForgeError `place-unusable`: it can do none of its jobs */
export async function requireRunFolder(runFolder: string, { runId }: QueuedJob): Promise<void> {
  const found = await readRunId(runFolder);
  if (found !== runId) {
    fail({
      reason: 'place-unusable',
      subject: `${runFolder} on ${hostname()}`,
      found:
        found === undefined ? 'not the folder of a run that queues jobs' : 'another run of the same name',
      expected: 'the run folder that the queue’s jobs are about, on a disk that all machines see',
      next: 'start the worker with --runs DIR, where DIR is the same shared folder as where the run was started',
    });
  }
}

/**
 * Whether a worker sees the files beside the run folder that a job depends on: no store brings those.
 * @throws BlockForgeError `file-missing`, with the machine's name
 */
export async function requireFiles({ job }: JobRequest): Promise<void> {
  for (const path of job.files ?? []) {
    if (await exists(path)) continue;
    fail({
      reason: 'file-missing',
      subject: `${path} on ${hostname()}`,
      found: `no such file, and ${job.id} depends on it`,
      expected: 'checkpoints and images at the same paths on every machine',
      next: 'put or mount it there, or name it by an environment variable in the config (docs/queue.md)',
    });
  }
}

const shareMs = 60_000;
const lookMs = 250;

/**
 * Waits until what a job reads can be seen: a file server's client may show the state of some seconds ago.
 * @returns the first file that does not come
 */
export async function awaitInputs(
  runFolder: string,
  { job, published, inputs }: JobRequest,
  signal: AbortSignal,
): Promise<string | undefined> {
  const end = Date.now() + shareMs;
  for (const [id, files] of Object.entries(inputs)) {
    for (const { path, sizeBytes } of files) {
      const place = join(published[id] ?? outputPlace({ id }), path);
      const full = join(runFolder, place);
      while ((await stat(full).catch(() => undefined))?.size !== sizeBytes) {
        if (Date.now() > end || signal.aborted) return `${place}, which ${job.id} reads,`;
        await sleep(lookMs);
      }
    }
  }
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
