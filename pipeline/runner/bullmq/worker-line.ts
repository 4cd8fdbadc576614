import type { Failure } from '../../util/failure.ts';

interface AboutJob {
  readonly run: string;
  readonly job: string;
}

/** What happens at a worker. */
export type WorkerLine =
  | {
      readonly type: 'worker-started';
      /** `host:process`. */
      readonly worker: string;
      /** The server, as it may be shown, and the queue there. */
      readonly queue: string;
      readonly name: string;
      /** Jobs at once. */
      readonly slots: number;
    }
  | ({ readonly type: 'job-started' } & AboutJob)
  | ({ readonly type: 'job-finished'; readonly seconds: number } & AboutJob)
  | ({ readonly type: 'job-failed'; readonly failure: Failure } & AboutJob)
  /** It goes back to the queue. */
  | ({ readonly type: 'job-returned' } & AboutJob)
  | { readonly type: 'note'; readonly text: string };
