import type { Failure } from '../util/failure.ts';
import type { Json } from '../util/hash.ts';
import type { JobId, JobPlan, JobProgress } from './contract.ts';
import type { OutputFile } from './outputs.ts';

/** What the runner asks of a job's process: everything a `JobContext` is made of, as plain data. */
export interface JobRequest {
  readonly stage: string;
  readonly job: JobPlan;
  /** Name of the engine to compute with; null for a job without numerics. */
  readonly engine: string | null;
  readonly input: unknown;
  readonly runFolder: string;
  readonly folder: string;
  readonly resumeFolder: string;
  /** Published folders of the jobs it may read from; null for those in `wants` that did not succeed. */
  readonly published: { readonly [job: JobId]: string | null };
}

export type ToWorker = { readonly type: 'job'; readonly request: JobRequest } | { readonly type: 'abort' };

export interface MemoryUse {
  readonly rssBytes: number;
  readonly tensors?: number | undefined;
}

export type JobReport =
  | { readonly type: 'progress'; readonly progress: JobProgress; readonly memory: MemoryUse }
  | { readonly type: 'warning'; readonly message: string };

export type JobReply =
  | {
      readonly type: 'finished';
      readonly summary: Json;
      readonly outputs: readonly OutputFile[];
      readonly engine: string | null;
    }
  | { readonly type: 'failed'; readonly failure: Failure; readonly stack?: string | undefined }
  | { readonly type: 'interrupted' };

/** A reply carries the process's memory before its first job and after this one. */
export type FromWorker =
  | JobReport
  | {
      readonly type: 'reply';
      readonly reply: JobReply;
      readonly baselineBytes: number;
      readonly rssBytes: number;
      /** An error escaped the job: the process must not be used again. */
      readonly broken: boolean;
    };
