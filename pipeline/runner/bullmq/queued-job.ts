import type { Failure } from '../../util/failure.ts';
import type { JobReply, JobReport, JobRequest } from '../executor.ts';
import type { StoreTicket } from '../store/contract.ts';

/** What a worker has to be for its results to be those of the run. */
export interface Needs {
  /** Of the program: its version and a digest of its sources. */
  readonly version: string;
  /** Name, version and variant. */
  readonly engine: string;
}

/** What the run's config says about the process that does a job. */
export interface ChildSettings {
  /** Growth over its start that gets it replaced. */
  readonly recycleBytes: number;
  /** Without a sign of life for so long it is ended; null: never. */
  readonly silentMs: number | null;
  /** What its engine is told, in the words of the config. */
  readonly precision: string;
}

/** A job as it lies in the queue: plain data, nothing that only one machine can understand. */
export interface QueuedJob {
  readonly format: 1;
  /** What is written in the run folder: tells it from another one of the same name. */
  readonly runId: string;
  /** Name of the method: workers know the module of its stages. */
  readonly method: string;
  readonly needs: Needs;
  /** How files come to workers and back, and the run's folder below their `--runs`. */
  readonly ticket: StoreTicket;
  readonly child: ChildSettings;
  readonly request: JobRequest;
}

/** What is told while a job is done. */
export interface QueuedProgress {
  /** `host:process`. */
  readonly worker: string;
  /** Of the attempt (`attempt.ts`) whose folders must stay. */
  readonly attempt: string;
  readonly report?: Extract<JobReport, { readonly type: 'progress' }> | undefined;
  /** All so far. */
  readonly warnings: readonly string[];
  /** It cannot do the job, nor any other of this run: it is back in the queue. */
  readonly refusal?: Failure | undefined;
}

/** How a job ended, kept in the queue until the controller has read it. */
export interface QueuedReply {
  readonly worker: string;
  readonly attempt: string;
  readonly reply: Exclude<JobReply, { readonly type: 'interrupted' }>;
  readonly warnings: readonly string[];
}

/** Of a job in the queue: whoever queues the same thing again finds it there. Must hold no colon. */
export function queuedId(runId: string, { fingerprint }: JobRequest): string {
  return `${runId}-${fingerprint}`;
}

/** BullMQ's priorities are 1 to 2^21 - 1, and the lowest goes first: seconds, to the tenth. */
const lastPriority = 2 ** 21 - 1;

export function queuedPriority({ priority }: Pick<JobRequest, 'priority'>): number {
  return Math.max(1, Math.round(lastPriority - Math.max(0, priority) * 10));
}
