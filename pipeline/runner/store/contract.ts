import type { JobReply, JobRequest } from '../executor.ts';

/**
 * How files come to workers and back. Where the run folder is shared, nothing moves; else everything goes through a store
 * that both sides see: what a job reads before it is queued, what it wrote after it, its checkpoints while it is at work.
 *
 * Nothing here throws for what may go wrong on the way: it is the job's failure, `passing` where another try may help.
 */
export interface StoreTicket {
  /** As in the config: `folder`, or `s3://bucket/prefix`. Nothing secret: keys are in the environment of either side. */
  readonly store: string;
  /** The run's folder below a worker's `--runs`, and its part of the store. */
  readonly folder: string;
}

/** The side that publishes. */
export interface ControllerStore {
  /** Before a job is queued: whatever it needs is where workers find it. The ticket goes into the queue beside the request. */
  offer(request: JobRequest, signal?: AbortSignal): Promise<Offer>;
  /**
   * After a worker's reply: what it tells of is in the run folder, outputs in `request.folder` (so the reply names no other),
   * the checkpoint of an interrupted job in `request.resumeFolder`. Other replies come back as they are.
   * @param request as it was submitted
   */
  bring(request: JobRequest, reply: JobReply): Promise<JobReply>;
  /** @param emptied no worker is at a job of this run any more: what the run left in the store is removed */
  close(emptied: boolean): Promise<void>;
}

export type Offer =
  | { readonly type: 'offered'; readonly ticket: StoreTicket }
  | (JobReply & { readonly type: 'failed' | 'interrupted' });

/** The side that does jobs. */
export interface WorkerStore {
  /**
   * Brings what `request` reads, and its checkpoint, into the run folder of this side; lets `work` do it there; takes the outputs,
   * or the checkpoint so far, back to the store.
   * @param request as it is done here: its `folder` and `resumeFolder` may be an attempt's own
   * @param work does the job in `runFolder`, e.g. in a child process
   * @param signal the worker is to stop: files stop coming. What was made goes out all the same
   */
  perform(request: JobRequest, work: () => Promise<JobReply>, signal?: AbortSignal): Promise<JobReply>;
  /** Below the worker's `--runs`, absolute. */
  readonly runFolder: string;
  /**
   * The outputs of a finished job are elsewhere when `perform` has ended, and the reply names no folder: what is here may be removed.
   */
  readonly leaves: boolean;
}
