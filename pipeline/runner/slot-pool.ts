import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createSlot, type Slot } from './processes.ts';

export interface SlotSettings {
  /** Jobs at once. */
  readonly count: number;
  /** Environment of a slot's process, e.g. one GPU each. */
  readonly environment?: (slot: number) => Readonly<Record<string, string>>;
  /** Growth of a process over its start that gets it replaced after its job. Default 3 GB. */
  readonly recycleBytes?: number;
}

export interface SlotPool {
  /** A free slot; one whose process already lives comes first, so that no more are started than needed. */
  take(): Slot;
  giveBack(slot: Slot): void;
  /** Asks all running jobs to stop; kills those that are still there after `graceMs`. */
  abort(graceMs: number): void;
  kill(): void;
  close(): Promise<void>;
}

/** Slots cost nothing until their first job. */
export function createSlotPool(settings: SlotSettings, registry: string, runFolder: string): SlotPool {
  const logs = join(runFolder, '.logs');
  mkdirSync(logs, { recursive: true });
  const slots = Array.from({ length: settings.count }, (_, index) =>
    createSlot({
      index,
      registry,
      recycleBytes: settings.recycleBytes ?? 3e9,
      environment: settings.environment?.(index) ?? {},
      logFile: join(logs, `slot-${index}.log`),
    }),
  );
  const free = new Set(slots);
  return {
    take() {
      const usable = slots.filter((slot) => free.has(slot));
      const slot = usable.find(({ alive }) => alive) ?? usable[0];
      if (slot === undefined) throw new Error('more jobs at once than slots');
      free.delete(slot);
      return slot;
    },
    giveBack: (slot) => void free.add(slot),
    abort: (graceMs) => slots.forEach((slot) => slot.abort(graceMs)),
    kill: () => slots.forEach((slot) => slot.kill()),
    close: async () => void (await Promise.all(slots.map((slot) => slot.close()))),
  };
}
