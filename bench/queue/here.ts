import type { Executor } from '../../pipeline/runner/executor.ts';
import { performJob } from '../../pipeline/runner/perform-job.ts';
import { stages } from './light-stages.ts';

/** Does light jobs in the controller's own process: the least that any executor takes. */
export function executorHere(runFolder: string, slots: number): Executor {
  return {
    slots,
    async submit(request, watcher) {
      watcher.onStart(0);
      const done = await performJob(request, {
        stages,
        runFolder,
        signal: new AbortController().signal,
        progress: (progress) => watcher.onReport({ type: 'progress', progress, memory: { rssBytes: 0 } }),
        warn: (message) => watcher.onReport({ type: 'warning', message }),
      });
      return { type: 'finished', ...done, engine: null };
    },
    abort: () => undefined,
    kill: () => undefined,
    close: () => Promise.resolve(),
  };
}
