import type { Json, Sha256 } from '../util/hash.ts';
import type { Failure } from '../util/failure.ts';
import type { Unfit } from './user-files.ts';

/** `stage/part`, e.g. `distill/shard-0`; also the job's folder below the run folder, unless it names another. */
export type JobId = string;

/** One independent, idempotent, resumable piece of work. */
export interface JobPlan {
  readonly id: JobId;
  /**
   * Where below the run folder the output is published, e.g. `library`, for what is handed on. Then the runner's
   * record does not lie in it but in the folder of the job's id, what users put beside the outputs stays theirs, and the
   * job's inputs are read once more, whole, before it starts: what leaves is checked.
   */
  readonly folder?: string | undefined;
  /** Jobs whose output this one reads. */
  readonly needs: readonly JobId[];
  /** Jobs whose output this one reads if they succeed: a failed block does not stop the measuring of the others. */
  readonly wants?: readonly JobId[] | undefined;
  /**
   * Files that it reads of a job in `needs` or `wants`: it is not made stale by the others, and `context.input` gives no
   * other. None: it only has to have succeeded. All of them for a job that is not named here.
   */
  readonly reads?: Readonly<Record<JobId, readonly string[]>> | undefined;
  /** All that the job's result depends on beside its inputs and files, and nothing else: a part of its fingerprint. */
  readonly settings: Json;
  /** What the work needs beside, and what makes nothing it did stale: places, images at once, names that are shown. */
  readonly handling?: Json | undefined;
  /** Outside files the result depends on; hashed for the fingerprint (by content, not by path). */
  readonly files?: readonly string[] | undefined;
  /** Must not share the machine with another job (timings). */
  readonly exclusive?: boolean | undefined;
  readonly estimate: {
    readonly seconds: number;
    readonly memoryBytes: number;
    readonly diskBytes: number;
    /** Where memory grows with the images of a batch: the setting that says how many, and the bytes of each. */
    readonly batch?: { readonly setting: string; readonly images: number; readonly bytes: number };
  };
}

/**
 * A stage is data: which jobs there are, what they need, what they depend on. What they do is in a module of its own,
 * with ordinary imports, loaded as a whole when the first of them runs: nothing that `plan` imports may load an engine.
 */
export interface Stage<Input> {
  /** Also the folder of its jobs: `<name>/<part>`. */
  readonly name: string;
  /** Raised when the stage's code changes what it writes: a deliberate invalidation. */
  readonly version: number;
  /** Default true. False for stages without numerics: their jobs load no engine and do not depend on its choice. */
  readonly needsEngine?: boolean | undefined;
  plan(input: Input): readonly JobPlan[];
  /** Its code, e.g. `() => import('./work/refit.ts')`. */
  readonly work: () => Promise<Work>;
}

/** A method, so that `run` may name the `Job` that its stage plans. */
export interface Work {
  /**
   * Does one job from `job.settings`, `job.handling` and its inputs. Writes only into `context.folder`.
   * @returns a small summary for the log and the tables
   */
  run(job: JobPlan, context: JobContext): Promise<Json>;
}

/** A job whose settings and handling are known: the work of a stage is given what the same stage planned. */
export interface Job<Settings extends Json, Handling extends Json = Json> extends JobPlan {
  readonly settings: Settings;
  readonly handling: Handling;
}

/** What a pipeline's module exports; a process that does jobs is given the path of that file. */
export interface StageRegistry {
  /** In the order data flows through them. */
  readonly stages: readonly Stage<never>[];
  /** Called once in a job's process, before the first job that needs an engine. */
  prepareWorker(engine: string): Promise<PreparedWorker>;
}

export interface PreparedWorker {
  /** `Engine.description`, recorded beside the outputs. */
  readonly engine: string;
  /** Tensors alive in this process, shown with the progress: a leak is seen while it is small. */
  readonly tensors: () => number;
}

/** What the runner gives to a job at work. */
export interface JobContext {
  /** Name of the engine to compute with; null for a job without numerics. */
  readonly engine: string | null;
  /** The run folder, `runs/<name>`. For messages: nothing is written there but through `folder` and `scratchFolder`. */
  readonly runFolder: string;
  /**
   * Shared by the jobs of a run, for what is cheaper to keep than to make again. It may be gone at any time: whoever
   * reads there checks what it finds and can do without. Not created yet.
   */
  readonly scratchFolder: string;
  /** This job's output folder: a temporary one that is published (renamed) when `run` returns. */
  readonly folder: string;
  /** Where that will be: in a folder that is handed on lies what users put there, and stays there. Never written to. */
  readonly place: string;
  /** Something of a user's in `place` that does not fit what this job wrote: it is moved aside when that is published. */
  setAside(unfit: Unfit): void;
  /**
   * Survives an interruption and is removed after success: checkpoints inside a job live here. Files are exchanged as a whole
   * (`writeFileAtomic`) or appended to (and cut back to where the job goes on), never written over in place: a store may copy
   * them at any time.
   */
  readonly resumeFolder: string;
  /**
   * A file that a job in `needs` or `wants` published, or without `file` its folder. @throws Error where that job is
   * absent, or where `reads` does not say so
   */
  input(id: JobId, file?: string): string;
  /** The same of a job in `wants`; undefined where it did not succeed. */
  optionalInput(id: JobId, file?: string): string | undefined;
  /** Aborted by Ctrl-C: finish the step, write a checkpoint to `resumeFolder`, throw `signal.reason`. */
  readonly signal: AbortSignal;
  progress(progress: JobProgress): void;
  /** A quality problem: printed, kept in the summary, never stops the run. */
  warn(message: string): void;
}

export interface JobProgress {
  /** Done share in [0, 1]. */
  readonly fraction: number;
  /** What is being done now, e.g. "epoch 3/10". */
  readonly note?: string | undefined;
  /** Of the training, from 1: what monitors draw over. Default: the fraction in ten-thousandths. */
  readonly step?: number | undefined;
  /** Loss, rate and the like, e.g. { loss: 0.012, imagesPerSecond: 310 }. */
  readonly metrics?: Readonly<Record<string, number>> | undefined;
}

/** Why a job runs or does not. */
export type JobState =
  | 'fresh' // done before with the same fingerprint; nothing to do
  | 'missing' // never finished
  | 'stale' // finished with another fingerprint, or its files were changed by hand
  | 'may-run' // finished; whether it is stale depends on what a job before it is going to write
  | 'resumable'; // interrupted with a checkpoint

/** Everything observable. The terminal, `events.jsonl` and `--json` are subscribers of this one union. */
export type Event =
  | {
      type: 'run-started';
      run: string;
      folder: string;
      engine: string;
      jobs: number;
      time: string;
      /** What is to be known of this run before it begins, e.g. that memory is short; sentences. */
      notes?: readonly string[] | undefined;
    }
  | { type: 'job-skipped'; job: JobId; state: 'fresh' }
  /** `worker`: who does it, where that is not a process of this run's own. */
  | { type: 'job-started'; job: JobId; slot: number; resumed: boolean; worker?: string | undefined }
  /** What went wrong may pass: it is tried again. `attempt` counts from 1, the one that failed. */
  | { type: 'job-retried'; job: JobId; attempt: number; waitSeconds: number; failure: Failure }
  | ({
      type: 'job-progress';
      job: JobId;
      /** Of this job. */
      secondsLeft?: number | undefined;
      /** Of the whole run: the plan's estimates, corrected by what was measured so far. */
      runSecondsLeft?: number | undefined;
      rssBytes: number;
      tensors?: number | undefined;
    } & JobProgress)
  | { type: 'job-warning'; job: JobId; message: string }
  | {
      type: 'job-finished';
      job: JobId;
      seconds: number;
      summary: Json;
      outputs: Sha256;
      /** Of the whole run, as with the progress. */
      runSecondsLeft?: number | undefined;
    }
  | { type: 'job-failed'; job: JobId; seconds: number; failure: Failure; stack?: string | undefined }
  | { type: 'job-blocked'; job: JobId; by: readonly JobId[] }
  | { type: 'job-interrupted'; job: JobId }
  | {
      type: 'run-finished';
      seconds: number;
      ran: number;
      fresh: number;
      failed: number;
      blocked: number;
      interrupted: boolean;
      /** Tries that went wrong and were made again. */
      retried?: number | undefined;
      /** Jobs that did not come to their turn: interrupted, or left out by `--retry-failed`. */
      left?: readonly JobId[] | undefined;
    };
