import { insideFolder } from '../../util/atomic.ts';
import { fail } from '../../util/failure.ts';
import type { ControllerStore, StoreTicket, WorkerStore } from './contract.ts';
import { parseStore } from '../parse-store.ts';
import { sharedByController, sharedByWorker } from './shared-folder.ts';

/**
 * The controller's side of the store that the config names. The run folder need not exist yet.
 * @param store `executor.store`
 * @throws BlockForgeError `place-unusable` where an object store cannot be used: no server, wrong keys, no such bucket
 */
export async function openControllerStore(store: string, runFolder: string): Promise<ControllerStore> {
  const place = parseStore(store);
  if (place.kind === 'folder') return sharedByController(runFolder);
  const { impatient, objectController, openObjects } = await import('./object/index.ts');
  return objectController(await openObjects(place, { atStart: impatient }), {
    store,
    prefix: place.prefix,
    runFolder,
  });
}

/**
 * A worker's side, as a ticket from the queue says; kept by the worker for all jobs with an equal ticket.
 * @param runs the worker's `--runs`, absolute
 * @throws BlockForgeError as above; `usage` for a ticket whose folder is not one below `runs`
 */
export async function openWorkerStore(ticket: StoreTicket, runs: string): Promise<WorkerStore> {
  if (!/^[\w.-]+$/.test(ticket.folder) || /^\.+$/.test(ticket.folder)) {
    fail({
      reason: 'usage',
      subject: 'a job from the queue',
      found: `names the run folder "${ticket.folder}"`,
    });
  }
  const place = parseStore(ticket.store);
  if (place.kind === 'folder') return sharedByWorker(ticket, runs);
  const { areaOf, brief, objectWorker, openObjects } = await import('./object/index.ts');
  const area = areaOf(place.prefix, ticket.folder);
  return objectWorker(await openObjects(place, { atStart: brief }), area, insideFolder(runs, ticket.folder));
}
