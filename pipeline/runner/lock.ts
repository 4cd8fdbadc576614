import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../util/failure.ts';
import { makeFolder } from '../util/make-folder.ts';
import {
  describeHolder,
  holderOf,
  takeLock,
  type Held,
  type LockPlace,
  type OwnedLock,
} from './owned-lock.ts';

/** Of a whole run, for the one process that decides what is done when. */
function runPlace(runFolder: string): LockPlace {
  return {
    of: runFolder,
    lock: join(runFolder, '.lock'),
    owner: join(runFolder, 'owner.json'),
    gate: join(runFolder, '.lock-gate'),
  };
}

/**
 * Takes a run folder for this process.
 * @param onLost called with the reason if the lock is lost later, e.g. after the machine slept and another one took the
 * folder
 * @throws BlockForgeError `run-locked`, saying who holds it and since when; errors of the system as they are
 */
export async function lockRun(runFolder: string, onLost: (why: string) => void): Promise<OwnedLock> {
  makeFolder(runFolder);
  // The gate would try again and again where nothing can be written.
  await access(runFolder, constants.W_OK);
  const taken = await takeLock(runPlace(runFolder), onLost);
  return 'held' in taken ? refuseRun(runFolder, taken.held) : taken;
}

/** Which process drives the run now, if one does. */
export function holderOfRun(runFolder: string): Promise<Held | undefined> {
  return holderOf(runPlace(runFolder));
}

/** @throws BlockForgeError `run-locked` */
export function refuseRun(runFolder: string, held: Held): never {
  return fail({
    reason: 'run-locked',
    subject: runFolder,
    found: `in use by ${describeHolder(held) ?? 'another run that is just starting'}`,
    expected: 'one run at a time per run folder',
    next: 'wait for it, stop it with Ctrl-C, or give this run another name',
  });
}
