import type { Executor } from '../../pipeline/runner/executor.ts';
import { toJobFailure } from '../../pipeline/runner/job-failure.ts';
import { performJob } from '../../pipeline/runner/perform-job.ts';
import { stages } from './fake-stages.ts';

/** Does fake jobs in this process: where processes are not what a test is about. They ask `FAKE_CONTROL` what to do. */
export function insideExecutor(runFolder: string): Executor {
  const stop = new AbortController();
  const { signal } = stop;
  return {
    slots: 1,
    async submit(request, watcher) {
      watcher.onStart(0);
      const warn = (message: string) => watcher.onReport({ type: 'warning', message });
      try {
        const workplace = { stages, runFolder, signal, progress: () => undefined, warn };
        return { type: 'finished', engine: null, ...(await performJob(request, workplace)) };
      } catch (error) {
        if (signal.aborted) return { type: 'interrupted' };
        return { type: 'failed', ...toJobFailure(request.job.id, error, runFolder) };
      }
    },
    abort: () => stop.abort(),
    kill: () => stop.abort(),
    close: () => Promise.resolve(),
  };
}
