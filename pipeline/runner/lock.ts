import { access, constants, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { writeJsonAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { makeFolder } from '../util/make-folder.ts';
import { isAlive, thisOwner, type LockOwner } from './lock-owner.ts';

export interface RunLock {
  release(): Promise<void>;
}

/** A lock that was not touched for this long is dead where its owner cannot be asked. A busy event loop must stay below. */
const staleMs = 30_000;

/**
 * Takes a run folder for this process. On this machine a dead owner is recognised at once by its process, and one that
 * lives keeps its lock however long it is suspended; on another machine (shared folders) the age of the lock tells.
 *
 * `owner.json` is written before the lock is taken and removed after it was given back, so that no lock is ever without
 * a name, wherever its owner is killed. All of it happens behind a short-lived gate lock. Without it, two takers could
 * find the same dead owner, and the slower one would remove the lock that the faster one has just taken.
 *
 * @param onLost called with the reason if the lock is lost later, e.g. after the machine slept and another one took the
 * folder
 * @throws BlockForgeError `run-locked`, saying who holds it and since when; errors of the system as they are
 */
export async function lockRun(runFolder: string, onLost: (why: string) => void): Promise<RunLock> {
  makeFolder(runFolder);
  // The gate would try again and again where nothing can be written.
  await access(runFolder, constants.W_OK);
  const lockPath = join(runFolder, '.lock');
  const ownerPath = join(runFolder, 'owner.json');
  const mine = thisOwner();
  let giveBack = (): Promise<void> => Promise.resolve();

  const take = async (): Promise<void> => {
    giveBack = await lockfile.lock(runFolder, {
      lockfilePath: lockPath,
      stale: staleMs,
      onCompromised: () => void onDoubt(),
    });
  };
  /** The lock's own time stamp was lost or is not ours. That alone does not mean that anybody else has the folder. */
  const onDoubt = async (): Promise<void> => {
    try {
      await behindGate(runFolder, ownerPath, async () => {
        const owner = await readOwner(ownerPath);
        if (!isSame(owner, mine)) return onLost(await whyLost(runFolder, owner));
        await rm(lockPath, { recursive: true, force: true });
        await take();
      });
    } catch {
      onLost('its lock cannot be renewed; is the disk full, or the folder gone?');
    }
  };

  await behindGate(runFolder, ownerPath, async () => {
    const before = await readOwner(ownerPath);
    const alive = before && isAlive(before);
    const isHeld = await lockfile.check(runFolder, { lockfilePath: lockPath, stale: staleMs });
    const isThere = await stat(lockPath).then(
      () => true,
      () => false,
    );
    if (isThere && (alive ?? isHeld)) refuse(runFolder, before);
    await rm(lockPath, { recursive: true, force: true });
    await writeJsonAtomic(ownerPath, mine);
    await take();
  });
  return {
    async release() {
      await behindGate(runFolder, ownerPath, async () => {
        // A lock that was lost is not ours to remove.
        if (!isSame(await readOwner(ownerPath), mine)) return;
        await giveBack().catch(() => undefined);
        await rm(ownerPath, { force: true });
      }).catch(() => undefined); // The folder is gone, or full: the next run finds this process dead.
    },
  };
}

async function behindGate(
  runFolder: string,
  ownerPath: string,
  work: () => Promise<void> | void,
): Promise<void> {
  // The library knows a lock by the file it is for, and forgets the first of two for the same one.
  const openGate = await lockfile
    .lock(ownerPath, {
      lockfilePath: join(runFolder, '.lock-gate'),
      realpath: false,
      stale: 2000,
      retries: { retries: 60, factor: 1, minTimeout: 50, maxTimeout: 50 },
      onCompromised: () => undefined,
    })
    .catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
      return refuse(runFolder, undefined, error);
    });
  try {
    await work();
  } finally {
    await openGate().catch(() => undefined);
  }
}

function refuse(runFolder: string, owner: LockOwner | undefined, error?: unknown): never {
  const who = owner && `process ${owner.pid} on ${owner.host} since ${owner.started} (${owner.command})`;
  return fail(
    {
      reason: 'run-locked',
      subject: runFolder,
      found: `in use by ${who ?? 'another run that is just starting'}`,
      expected: 'one run at a time per run folder',
      next: 'wait for it, stop it with Ctrl-C, or give this run another name',
    },
    error,
  );
}

async function whyLost(runFolder: string, owner: LockOwner | undefined): Promise<string> {
  if (owner !== undefined)
    return `process ${owner.pid} on ${owner.host} took the folder while this one was not responding`;
  const isThere = await stat(runFolder).catch(() => undefined);
  return isThere === undefined ? 'the folder was removed' : 'its owner.json was removed';
}

function isSame(a: LockOwner | undefined, b: LockOwner): boolean {
  return a?.pid === b.pid && a.host === b.host && a.started === b.started;
}

async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    const owner = JSON.parse(await readFile(path, 'utf8')) as Partial<LockOwner> | null;
    return Number.isSafeInteger(owner?.pid) && typeof owner?.host === 'string'
      ? (owner as LockOwner)
      : undefined;
  } catch {
    return undefined; // absent or damaged: then only the lock's age tells
  }
}
