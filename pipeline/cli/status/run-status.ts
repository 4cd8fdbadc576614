import type { JobId } from '../../runner/contract.ts';
import type { PulseJob, PulseRecord } from '../../runner/pulse-record.ts';

/** What `status --json` gives. Times are ISO 8601, of the clock of whoever wrote them. */
export interface RunStatus {
  readonly run: string;
  /** Absolute. */
  readonly folder: string;
  /**
   * `running`: somebody is at work. Otherwise nobody is, and: `finished`: nothing is left; `failed`: something failed;
   * `interrupted`: it was stopped with work left; `nobody`: work is left, whoever did it was killed or is still to come.
   */
  readonly state: 'running' | 'finished' | 'failed' | 'interrupted' | 'nobody';
  readonly engine?: string | undefined;
  readonly started?: string | undefined;
  readonly jobs: JobCounts;
  readonly stages: readonly (JobCounts & { readonly stage: string })[];
  readonly workers: readonly WorkerStatus[];
  /** Of those who are gone and did not say so. */
  readonly lost: readonly WorkerStatus[];
  /** Of this run, over the last hour at most. */
  readonly jobsPerHour?: number | undefined;
  readonly secondsLeft?: number | undefined;
  readonly failures: readonly FailedJob[];
  readonly warnings: readonly { readonly job: JobId; readonly message: string }[];
  readonly disk: { readonly usedBytes: number; readonly freeBytes?: number | undefined };
}

export interface JobCounts {
  readonly jobs: number;
  /** Also those that were up to date before. */
  readonly done: number;
  readonly running: number;
  readonly failed: number;
  /** What they need failed. */
  readonly blocked: number;
  readonly left: number;
}

export interface WorkerStatus {
  /** `host:process`. */
  readonly who: string;
  readonly kind: PulseRecord['kind'];
  readonly started?: string | undefined;
  readonly version?: string | undefined;
  readonly slots?: number | undefined;
  /** Seconds since it was heard of. */
  readonly heard: number;
  readonly running: readonly (PulseJob & { readonly seconds: number })[];
}

export interface FailedJob {
  readonly job: JobId;
  readonly time: string;
  readonly failure: {
    readonly subject: string;
    readonly found: string;
    readonly expected?: string | undefined;
    readonly next?: string | undefined;
  };
}
