import type { WorkerStore } from '../store/contract.ts';
import { openWorkerStore } from '../store/open-store.ts';
import { requireFit } from './fit.ts';
import { requireFiles, requireRunFolder } from './place.ts';
import type { Needs, QueuedJob } from './queued-job.ts';

export interface AcceptSettings {
  /** `host:process`. */
  readonly worker: string;
  readonly own: Needs;
  /** Folder of the run folders, absolute. */
  readonly runs: string;
  /** Path of the module of a method's stages; undefined where there is no such method. */
  readonly registryOf: (method: string) => string | undefined;
}

export interface Accepted {
  readonly registry: string;
  readonly store: WorkerStore;
}

/**
 * Whether a worker can do jobs of a run: it is what the run needs, and sees its files.
 * @returns a function that @throws BlockForgeError where it cannot
 */
export function createAcceptance(settings: AcceptSettings): (job: QueuedJob) => Promise<Accepted> {
  const { worker, own, runs, registryOf } = settings;
  const stores = new Map<string, Promise<WorkerStore>>();
  return async (job) => {
    const { ticket, method, needs } = job;
    requireFit(ticket.folder, needs, own, worker);
    const registry = registryOf(method);
    if (registry === undefined) throw new Error(`run ${ticket.folder}: there is no method ${method}`);
    const key = JSON.stringify(ticket);
    const opening = stores.get(key) ?? openWorkerStore(ticket, runs);
    stores.set(key, opening);
    const store = await opening;
    if (!store.leaves) await requireRunFolder(store.runFolder, job);
    await requireFiles(job.request);
    return { registry, store };
  };
}
