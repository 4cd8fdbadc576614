import type { Executor, JobReply, JobRequest, JobWatcher } from '../executor.ts';
import { localExecutor, type LocalSettings } from '../local/executor.ts';

/** One place for a job of a worker: a child process of its own, kept for the next job of the same run. */
export interface Seat {
  readonly index: number;
  submit(settings: SeatSettings, request: JobRequest, watcher: JobWatcher): Promise<JobReply>;
  /** Asks the job to save its state; ends its process after `graceMs`. */
  abort(graceMs: number): void;
  kill(): void;
  close(): Promise<void>;
}

/** What a child process is started with. */
export interface SeatSettings extends Pick<
  LocalSettings,
  'registry' | 'runFolder' | 'recycleBytes' | 'silentMs'
> {
  readonly environment: Readonly<Record<string, string>>;
}

/** @param logName of what the engine prints: `.logs/<name>.log` of the run folder */
export function createSeat(index: number, logName: string): Seat {
  let current: { readonly key: string; readonly executor: Executor; spent: boolean } | undefined;

  const leave = async (): Promise<void> => {
    const leaving = current;
    current = undefined;
    await leaving?.executor.close();
  };
  return {
    index,
    async submit(settings, request, watcher) {
      const key = JSON.stringify(settings);
      // One that was told to stop starts nothing any more.
      if (current !== undefined && (current.spent || current.key !== key)) await leave();
      const { environment, ...rest } = settings;
      current ??= {
        ...{ key, spent: false },
        executor: localExecutor({
          ...rest,
          slots: 1,
          environment: () => environment,
          logName: () => logName,
        }),
      };
      return current.executor.submit(request, watcher);
    },
    abort(graceMs) {
      if (current === undefined) return;
      current.spent = true;
      current.executor.abort(graceMs);
    },
    kill() {
      if (current === undefined) return;
      current.spent = true;
      current.executor.kill();
    },
    close: leave,
  };
}
