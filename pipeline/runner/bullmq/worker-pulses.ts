import type { Event, JobId } from '../contract.ts';
import { openPulse, type Pulse, type PulseOptions } from '../pulse.ts';

/** So long a worker without a job of a run is still one of its workers, for `status`: the next job may be about to be queued. */
const idleMs = 60_000;

interface OpenPulse {
  readonly pulse: Pulse;
  readonly atWork: Set<JobId>;
  timer?: NodeJS.Timeout | undefined;
}

/** What a queue's worker tells in the folders of the runs whose jobs it does, as long as it has to do with them. */
export interface WorkerPulses {
  /** Hears of a job's start, how far it is, and its end. */
  handle(runFolder: string, event: Event & { readonly job: JobId }): void;
  close(): Promise<void>;
}

/** @param idle in ms, replaceable for tests */
export function workerPulses(options: Omit<PulseOptions, 'kind'>, idle = idleMs): WorkerPulses {
  const open = new Map<string, OpenPulse>();
  const pulseOf = (runFolder: string): OpenPulse => {
    const found = open.get(runFolder);
    if (found !== undefined) return found;
    const made = { pulse: openPulse(runFolder, { ...options, kind: 'worker' }), atWork: new Set<JobId>() };
    open.set(runFolder, made);
    return made;
  };
  return {
    handle(runFolder, event) {
      const one = pulseOf(runFolder);
      one.pulse.handle(event);
      clearTimeout(one.timer);
      if (event.type === 'job-started' || event.type === 'job-progress') one.atWork.add(event.job);
      else one.atWork.delete(event.job);
      if (one.atWork.size > 0) return;
      one.timer = setTimeout(() => {
        open.delete(runFolder);
        void one.pulse.close();
      }, idle).unref();
    },
    async close() {
      for (const { timer } of open.values()) clearTimeout(timer);
      await Promise.all([...open.values()].map(({ pulse }) => pulse.close()));
    },
  };
}
