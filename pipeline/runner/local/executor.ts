import { join } from 'node:path';
import { usableMemoryBytes } from '../../util/cgroup.ts';
import { makeFolder } from '../../util/make-folder.ts';
import type { Executor } from '../executor.ts';
import { createSlot } from './process.ts';

export interface LocalSettings {
  /** Path of the module that exports the stages (`StageRegistry`). */
  readonly registry: string;
  /** `runs/<name>`, absolute. */
  readonly runFolder: string;
  /** Jobs at once. */
  readonly slots: number;
  /** What a slot's process has in its environment beside this one's, e.g. one GPU each. Default nothing. */
  readonly environment?: ((slot: number) => Readonly<Record<string, string>>) | undefined;
  /** Growth of a process over its start that gets it replaced after its job. Default 3 GB. */
  readonly recycleBytes?: number | undefined;
  /** What a slot's engine prints goes to `.logs/<name>.log`. Default `slot-0` and so on. */
  readonly logName?: ((slot: number) => string) | undefined;
  /** A process at work that shows no sign of life for so long is ended, and its job fails with what may pass. Default never. */
  readonly silentMs?: number | undefined;
}

/** Does jobs in child processes of this one, one per slot. They cost nothing until their first job. */
export function localExecutor(settings: LocalSettings): Executor {
  const { registry, runFolder, environment, recycleBytes = 3e9, silentMs } = settings;
  const { logName = (slot: number) => `slot-${slot}` } = settings;
  // Half of a slot's share of the memory: less than that was not what ran out, or will again.
  const crowdedBytes = settings.slots > 1 ? usableMemoryBytes() / settings.slots / 2 : undefined;
  const logs = join(runFolder, '.logs');
  const slots = Array.from({ length: settings.slots }, (_, index) =>
    createSlot({
      index,
      registry,
      runFolder,
      recycleBytes,
      silentMs,
      crowdedBytes,
      environment: environment?.(index) ?? {},
      logFile: join(logs, `${logName(index)}.log`),
    }),
  );
  const free = new Set(slots);
  let stopping = false;
  return {
    slots: settings.slots,
    async submit(request, watcher) {
      if (stopping) return { type: 'interrupted' };
      makeFolder(logs);
      // One whose process already lives comes first, so that no more are started than needed.
      const usable = slots.filter((candidate) => free.has(candidate));
      const slot = usable.find(({ alive }) => alive) ?? usable[0];
      if (slot === undefined) throw new Error('more jobs at once than slots');
      free.delete(slot);
      try {
        watcher.onStart(slot.index);
        return await slot.run(request, (report) => watcher.onReport(report));
      } finally {
        free.add(slot);
      }
    },
    abort(graceMs) {
      stopping = true;
      for (const slot of slots) slot.abort(graceMs);
    },
    kill() {
      stopping = true;
      for (const slot of slots) slot.kill();
    },
    async close() {
      await Promise.all(slots.map((slot) => slot.close()));
    },
  };
}
