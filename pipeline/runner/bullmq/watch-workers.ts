import type { QueueClient } from './queue-client.ts';
import { seenWorkers } from './queue-state.ts';

/** Who serves the queue. */
export interface WorkerWatch {
  /** Jobs that all workers together do at once; 1 where none was seen. */
  readonly slots: number;
  /** @param waiting jobs that are waited for */
  look(waiting: number): Promise<void>;
}

const everyMs = 2000;
const nobodyMs = 15_000;

/** @param note is told once, where jobs wait and nobody comes for them */
export function watchWorkers(client: QueueClient, name: string, note: (text: string) => void): WorkerWatch {
  let slots = 1;
  let nobodySince: number | undefined;
  let noted = false;
  let next = 0;
  return {
    get slots() {
      return slots;
    },
    async look(waiting) {
      const now = Date.now();
      if (now < next) return;
      next = now + everyMs;
      const seen = await seenWorkers(client.queue);
      slots = Math.max(1, seen.slots);
      if (seen.slots > 0 || waiting === 0) {
        nobodySince = undefined;
        noted = false;
        return;
      }
      nobodySince ??= now;
      if (noted || now - nobodySince < nobodyMs) return;
      noted = true;
      note(
        `nobody serves the queue ${name} at ${client.shown}: start workers (npm run pipeline -- worker --queue ... --runs ...)`,
      );
    },
  };
}
