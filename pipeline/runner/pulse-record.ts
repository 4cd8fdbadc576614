import { join } from 'node:path';
import { z } from 'zod';
import type { JobId } from './contract.ts';
import { fileNameOf } from './job-file-name.ts';

/** Counts from the ends of jobs; of what failed the latest are kept. */
export const maximumFailures = 20;

const failureSchema = z.object({
  reason: z.string(),
  subject: z.string(),
  found: z.string(),
  expected: z.string().optional(),
  next: z.string().optional(),
});

/** A job at work, as the one who drives or does it last heard of it. */
const jobSchema = z.object({
  id: z.string(),
  since: z.string(),
  slot: z.number().optional(),
  /** Who does it, `host:process`, where that is not a child of the writer. */
  worker: z.string().optional(),
  resumed: z.boolean().optional(),
  /** Done share in [0, 1]. */
  fraction: z.number().optional(),
  note: z.string().optional(),
  metrics: z.record(z.string(), z.number()).optional(),
  rssBytes: z.number().optional(),
  secondsLeft: z.number().optional(),
});

/**
 * What a process that drives or does jobs of a run tells the others, in a file of its own below the run folder. Times are of
 * the writer's clock; how old the file is, the file server's clock tells.
 */
export const pulseSchema = z.object({
  format: z.literal(1),
  /** `run`: drives a whole run. `run-job`: one job of it. `worker`: does jobs that somebody else queued. */
  kind: z.enum(['run', 'run-job', 'worker']),
  /** `LockOwner`, without its command line: there may be secrets in it. */
  owner: z.object({
    pid: z.int(),
    host: z.string(),
    started: z.string(),
    machine: z.string().optional(),
    processStart: z.string().optional(),
  }),
  /** Of BlockForge. */
  version: z.string().optional(),
  engine: z.string().optional(),
  /** The one job that a `run-job` is for. */
  job: z.string().optional(),
  /** Jobs at once. */
  slots: z.number().optional(),
  /** When this was written. */
  time: z.string(),
  running: z.array(jobSchema),
  done: z.number(),
  fresh: z.number(),
  failed: z.number(),
  blocked: z.number(),
  /** The latest first. */
  failures: z.array(z.object({ job: z.string(), time: z.string(), failure: failureSchema })),
  /** Of the whole run, as who drives it guessed at `time`. */
  secondsLeft: z.number().optional(),
  /** `stopped`: with work left, as it was asked to. */
  ended: z.enum(['finished', 'failed', 'interrupted', 'stopped']).optional(),
});

export type PulseRecord = Readonly<z.infer<typeof pulseSchema>>;
export type PulseJob = Readonly<z.infer<typeof jobSchema>>;
export type PulseKind = PulseRecord['kind'];
export type PulseEnd = NonNullable<PulseRecord['ended']>;

export function statusFolder(runFolder: string): string {
  return join(runFolder, '.status');
}

/** How the name of the file begins. */
export function pulseNameOf(kind: PulseKind, job?: JobId): string {
  return job === undefined ? `${kind}-` : `${kind}-${fileNameOf(job)}-`;
}
