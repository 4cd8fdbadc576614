import type { Json } from '../util/hash.ts';
import type { JobId, JobPlan, JobProgress } from './contract.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { JobFailure } from './job-failure.ts';
import type { OutputFile } from './outputs.ts';
import type { Unfit } from './user-files.ts';

/**
 * Where jobs are done: processes of this machine (`local/executor.ts`), or whatever else can take plain data and give
 * plain data back. The runner decides what is done and when; it submits a job only when a slot is free and all that
 * the job reads is there.
 */
export interface Executor {
  /** Jobs that may be submitted at once. */
  readonly slots: number;
  /** True where jobs take nothing of this machine: its memory is not looked at before the run. */
  readonly elsewhere?: boolean | undefined;
  /** How many are likely to be done at once, for the time that is left. Default `slots`. */
  parallel?(): number;
  /**
   * Does one job. What goes wrong with it is the reply, never an exception.
   * After `abort` or `kill` nothing starts any more: the reply is `interrupted`, `onStart` was not called.
   */
  submit(request: JobRequest, watcher: JobWatcher): Promise<JobReply>;
  /** Asks all running jobs to write a checkpoint and stop; ends those that are still there after `graceMs`. */
  abort(graceMs: number): void;
  /** Ends all running jobs at once. */
  kill(): void;
  /** What came of a reply is in its place, or given up: what was kept for somebody who comes back may go. */
  settled?(request: JobRequest): void;
  /** Lets go of whatever is held for further jobs. Called once, when no job runs any more. */
  close(): Promise<void>;
}

/** Follows a job from its start to its reply. */
export interface JobWatcher {
  /**
   * The job has begun. `slot` counts from 0. Called again where somebody else begins it anew.
   * @param worker who does it, `host:process`, where that is not this process's child
   */
  onStart(slot: number, worker?: string): void;
  onReport(report: JobReport): void;
}

/**
 * One job as plain data: all that one needs to do it who has the code of the stages and can reach the run folder.
 * Folders are named below the run folder, with forward slashes, because a shared folder is seen at another place from
 * another machine. What lies outside is not translated: `job.files`, and paths in `job.settings` and `job.handling`, are
 * as this machine names them, so an executor elsewhere must see checkpoints and images at the same places.
 */
export interface JobRequest {
  readonly stage: string;
  readonly job: JobPlan;
  /** What the job is made from, as one hash: equal requests have equal results. */
  readonly fingerprint: Fingerprint;
  /** Seconds from its start to the end of the longest chain behind it: of several that wait, the highest goes first. */
  readonly priority: number;
  /** Name of the engine to compute with; null for a job without numerics. */
  readonly engine: string | null;
  /** Empty and temporary: the runner publishes it when the job has finished. */
  readonly folder: string;
  /** Survives an interruption: checkpoints inside the job. */
  readonly resumeFolder: string;
  /** Published folders of the jobs it may read from; null for those in `wants` that did not succeed. */
  readonly published: { readonly [job: JobId]: string | null };
  /** The files that it may read of those, as they were recorded. */
  readonly inputs: { readonly [job: JobId]: readonly OutputFile[] };
}

export type JobReport =
  | { readonly type: 'progress'; readonly progress: JobProgress; readonly memory: MemoryUse }
  | { readonly type: 'warning'; readonly message: string };

export interface MemoryUse {
  readonly rssBytes: number;
  readonly tensors?: number | undefined;
}

export type JobReply =
  | {
      readonly type: 'finished';
      /** Where the outputs lie, below the run folder. Default: the request's folder. */
      readonly folder?: string | undefined;
      readonly summary: Json;
      readonly outputs: readonly OutputFile[];
      /** What lies in the handed-on folder and does not fit these outputs. */
      readonly unfit: readonly Unfit[];
      /** Description of the engine that was used; null where none was. */
      readonly engine: string | null;
    }
  | ({ readonly type: 'failed' } & JobFailure)
  | { readonly type: 'interrupted' };
