import type { Json, Sha256 } from '../util/hash.ts';
import type { Failure } from '../util/failure.ts';
import type { LoadedConfig } from '../config/loaded.ts';
import type { Architecture } from '../model/architecture.ts';
import type { EngineName } from '../tensor/engine.ts';
import type { Preprocessing } from '../../datasets/contract.ts';

/** The stages in the order data flows through them. */
export const stageNames = [
  'data',
  'teacher',
  'statistics',
  'order',
  'refit',
  'distill',
  'measure',
  'compose',
  'polish',
  'profile',
  'rank',
  'export',
  'report',
] as const;
export type StageName = (typeof stageNames)[number];

/** `stage/part`, e.g. `distill/block-03`; also the job's folder below the run folder, unless it names another. */
export type JobId = string;

/** What a stage needs to know to list its jobs. No engine is loaded while planning. */
export interface PlanInput {
  readonly loaded: LoadedConfig;
  readonly architecture: Architecture;
  readonly engine: EngineName;
  /** Jobs that can run at once; data-parallel stages cut their images into this many shards. */
  readonly slots: number;
  readonly inputs: RunInputs;
}

/** What was found outside before planning: read from headers and folder listings only. */
export interface RunInputs {
  /** The checkpoint's files (weights and config.json), absolute; empty when the teacher is trained here. */
  readonly checkpointFiles: readonly string[];
  /** Packed data files, hashed by content; empty for folders and synthetic data. */
  readonly dataFiles: readonly string[];
  /** Hash over the relative paths and sizes of a folder of images, else null. */
  readonly dataListing: string | null;
  /** How an image becomes the model's input. */
  readonly preprocessing: Preprocessing;
}

/** One independent, idempotent, resumable piece of work. */
export interface JobPlan {
  readonly id: JobId;
  /**
   * Where below the run folder the output is published, e.g. `library`, for what is handed on. Then the runner's
   * record does not lie in it but in the folder of the job's id.
   */
  readonly folder?: string;
  /** Jobs whose output this one reads. */
  readonly needs: readonly JobId[];
  /** Jobs whose output this one reads if they succeed: a failed block does not stop the measuring of the others. */
  readonly wants?: readonly JobId[];
  /** The slice of the resolved config this job's result depends on, and nothing else. */
  readonly settings: Json;
  /** Outside files the result depends on; hashed for the fingerprint (by content, not by path). */
  readonly files?: readonly string[];
  /** Must not share the machine with another job (timings). */
  readonly exclusive?: boolean;
  readonly estimate: { readonly seconds: number; readonly memoryBytes: number; readonly diskBytes: number };
}

/** A stage is data and `run`. Its file must not import TensorFlow.js at the top: `run` imports it late. */
export interface Stage {
  readonly name: StageName;
  /** Raised when the stage's code changes what it writes: a deliberate invalidation. */
  readonly version: number;
  /** Default true. False for stages without numerics: their jobs load no engine and do not depend on its choice. */
  readonly needsEngine?: boolean;
  plan(input: PlanInput): readonly JobPlan[];
  /** Does one job. Writes only into `context.folder`; returns a small summary for the log and the tables. */
  run(job: JobPlan, context: JobContext): Promise<Json>;
}

/** What `pipeline/stages/index.ts` exports; a job's process is given the path of that file. */
export interface StageRegistry {
  readonly stages: readonly Stage[];
  /** Called once in a job's process, before the first job that needs an engine. */
  readonly prepareWorker: (engine: EngineName) => Promise<PreparedWorker>;
}

export interface PreparedWorker {
  /** `Engine.description`, recorded beside the outputs. */
  readonly engine: string;
  /** Tensors alive in this process, shown with the progress: a leak is seen while it is small. */
  readonly tensors: () => number;
}

export interface JobContext extends PlanInput {
  /** The run folder, `runs/<name>`. For messages: nothing is written there but through `folder` and `scratchFolder`. */
  readonly runFolder: string;
  /**
   * Shared by the jobs of a run, for what is cheaper to keep than to make again. It may be gone at any time: whoever
   * reads there checks what it finds and can do without. Not created yet.
   */
  readonly scratchFolder: string;
  /** This job's output folder: a temporary one that is published (renamed) when `run` returns. */
  readonly folder: string;
  /** Survives an interruption and is removed after success: checkpoints inside a job live here. */
  readonly resumeFolder: string;
  /** The published folder of a job in `needs`, or of one in `wants` that succeeded; else undefined. */
  input(id: JobId): string | undefined;
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
  readonly note?: string;
  /** Loss, rate and the like, e.g. { loss: 0.012, imagesPerSecond: 310 }. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** Why a job runs or does not. */
export type JobState =
  | 'fresh' // done before with the same fingerprint; nothing to do
  | 'missing' // never finished
  | 'stale' // finished with another fingerprint, or its files were changed by hand
  | 'resumable'; // interrupted with a checkpoint

/** Everything observable. The terminal, `events.jsonl` and `--json` are subscribers of this one union. */
export type Event =
  | { type: 'run-started'; run: string; folder: string; engine: string; jobs: number; time: string }
  | { type: 'job-skipped'; job: JobId; state: 'fresh' }
  | { type: 'job-started'; job: JobId; slot: number; resumed: boolean }
  | ({
      type: 'job-progress';
      job: JobId;
      /** Of this job. */
      secondsLeft?: number;
      /** Of the whole run: the plan's estimates, corrected by what was measured so far. */
      runSecondsLeft?: number;
      rssBytes: number;
      tensors?: number;
    } & JobProgress)
  | { type: 'job-warning'; job: JobId; message: string }
  | { type: 'job-finished'; job: JobId; seconds: number; summary: Json; outputs: Sha256 }
  | { type: 'job-failed'; job: JobId; seconds: number; failure: Failure; stack?: string }
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
    };
