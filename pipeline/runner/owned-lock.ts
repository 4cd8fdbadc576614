import { readFile, rm, stat } from 'node:fs/promises';
import lockfile from 'proper-lockfile';
import { writeJsonAtomic } from '../util/atomic.ts';
import { isAlive, thisOwner, type LockOwner } from './lock-owner.ts';

/** Where a lock lies. All of them below one folder, which is there. */
export interface LockPlace {
  /** What is locked; it need not be there. */
  readonly of: string;
  /** A folder that is there while the lock is held. */
  readonly lock: string;
  /** Who holds it: JSON. */
  readonly owner: string;
  /** A folder that is there while somebody takes or gives back the lock. */
  readonly gate: string;
}

export interface OwnedLock {
  /** False where somebody took it from a process that did not respond, and that may not know it yet. */
  isOurs(): Promise<boolean>;
  release(): Promise<void>;
}

/** Somebody else has it; `owner` is undefined where the file that says who is damaged, or they are just starting. */
export interface Held {
  readonly owner: LockOwner | undefined;
}

/** A lock that was not touched for this long is dead where its owner cannot be asked. A busy event loop must stay below. */
export const staleMs = 30_000;

/**
 * Takes a lock for this process. On this machine a dead owner is recognised at once by its process, and one that lives
 * keeps its lock however long it is suspended; on another machine (shared folders) the age of the lock tells.
 *
 * The owner's file is written before the lock is taken and removed after it was given back, so that no lock is ever without
 * a name, wherever its owner is killed. All of it happens behind a short-lived gate lock. Without it, two takers could
 * find the same dead owner, and the slower one would remove the lock that the faster one has just taken.
 *
 * @param onLost called with the reason if the lock is lost later, e.g. after the machine slept and another one took it
 * @returns who holds it, where somebody does
 * @throws errors of the system as they are
 */
export async function takeLock(
  place: LockPlace,
  onLost: (why: string) => void,
): Promise<OwnedLock | { readonly held: Held }> {
  const mine = thisOwner();
  let giveBack = (): Promise<void> => Promise.resolve();

  const take = async (): Promise<void> => {
    giveBack = await lockfile.lock(place.of, {
      lockfilePath: place.lock,
      realpath: false,
      stale: staleMs,
      onCompromised: () => void onDoubt(),
    });
  };
  /** The lock's own time stamp was lost or is not ours. That alone does not mean that anybody else has it. */
  const onDoubt = async (): Promise<void> => {
    try {
      const passed = await behindGate(place, async () => {
        const owner = await readOwner(place.owner);
        if (!isSame(owner, mine)) return onLost(await whyLost(place, owner));
        await rm(place.lock, { recursive: true, force: true });
        await take();
      });
      if (passed === 'busy') throw new Error('the gate stays shut');
    } catch {
      onLost('its lock cannot be renewed; is the disk full, or the folder gone?');
    }
  };

  let held: Held | undefined;
  const passed = await behindGate(place, async () => {
    held = await holderOf(place);
    if (held !== undefined) return;
    await rm(place.lock, { recursive: true, force: true });
    await writeJsonAtomic(place.owner, mine);
    await take();
  });
  if (passed === 'busy') return { held: { owner: undefined } };
  if (held !== undefined) return { held };
  return {
    isOurs: async () => isSame(await readOwner(place.owner), mine),
    async release() {
      await behindGate(place, async () => {
        // A lock that was lost is not ours to remove.
        if (!isSame(await readOwner(place.owner), mine)) return;
        await giveBack().catch(() => undefined);
        await rm(place.owner, { force: true });
      }).catch(() => undefined); // The folder is gone, or full: the next one finds this process dead.
    },
  };
}

/** Who holds a lock now; undefined where nobody alive does. Takes nothing. */
export async function holderOf(place: LockPlace): Promise<Held | undefined> {
  const isThere = await stat(place.lock).then(
    () => true,
    () => false,
  );
  if (!isThere) return undefined;
  const owner = await readOwner(place.owner);
  const isHeld =
    (owner && isAlive(owner)) ??
    (await lockfile.check(place.of, { lockfilePath: place.lock, realpath: false, stale: staleMs }));
  return isHeld ? { owner } : undefined;
}

/** "process 12 on host since ... (command)" */
export function describeHolder({ owner }: Held): string | undefined {
  return owner && `process ${owner.pid} on ${owner.host} since ${owner.started} (${owner.command})`;
}

/** @returns `busy` where others kept the gate shut */
async function behindGate(
  { owner, gate }: LockPlace,
  work: () => Promise<void> | void,
): Promise<'done' | 'busy'> {
  // The library knows a lock by the file it is for, and forgets the first of two for the same one.
  const openGate = await lockfile
    .lock(owner, {
      lockfilePath: gate,
      realpath: false,
      stale: 2000,
      retries: { retries: 60, factor: 1, minTimeout: 50, maxTimeout: 50 },
      onCompromised: () => undefined,
    })
    .catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
      return undefined;
    });
  if (openGate === undefined) return 'busy';
  try {
    await work();
    return 'done';
  } finally {
    await openGate().catch(() => undefined);
  }
}

async function whyLost(place: LockPlace, owner: LockOwner | undefined): Promise<string> {
  if (owner !== undefined)
    return `process ${owner.pid} on ${owner.host} took it while this one was not responding`;
  const isThere = await stat(place.gate).catch(() => undefined);
  return isThere === undefined ? 'the folder was removed' : 'the file that says whose it is was removed';
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
