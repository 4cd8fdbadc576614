import type { JobId } from '../../runner/contract.ts';

/** All that the logs of a run folder tell of its work, over all sessions. Times in ms since 1970, by the clocks of whoever wrote them. */
export interface RunHistory {
  readonly sessions: readonly Session[];
  readonly tries: readonly Try[];
  /** Most memory that a process was seen to need while it did the job, in bytes. */
  readonly peakBytes: ReadonlyMap<JobId, number>;
  /** So many are left out: there are more than a page can tell. */
  readonly leftOut: number;
}

/** A call of `run`. */
export interface Session {
  readonly started: number;
  /** Its last event. */
  readonly ended: number;
  readonly engine?: string | undefined;
}

/** A job at work, from its start to an end of whatever kind. */
export interface Try {
  readonly job: JobId;
  /** Who did it: a slot of the run, a worker, or a job by itself. */
  readonly by: string;
  readonly started: number;
  readonly ended: number;
  /** `lost`: nothing was heard of it any more. */
  readonly end: 'finished' | 'failed' | 'retried' | 'interrupted' | 'lost';
}

/** "distill" of "distill/shard-0" */
export function stageOf(job: JobId): string {
  return job.split('/')[0] ?? job;
}
