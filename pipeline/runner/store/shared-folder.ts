import { basename, join } from 'node:path';
import type { ControllerStore, StoreTicket, WorkerStore } from './contract.ts';

/** Nothing moves: everybody sees the run folder. */
export function sharedByController(runFolder: string): ControllerStore {
  const ticket: StoreTicket = { store: 'folder', folder: basename(runFolder) };
  return {
    offer: () => Promise.resolve({ type: 'offered', ticket }),
    bring: (_request, reply) => Promise.resolve(reply),
    close: () => Promise.resolve(),
  };
}

export function sharedByWorker({ folder }: StoreTicket, runs: string): WorkerStore {
  return { runFolder: join(runs, folder), leaves: false, perform: (_request, work) => work() };
}
