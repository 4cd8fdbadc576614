import { hostname } from 'node:os';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { writeJsonAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';

/** Who holds a run folder: `owner.json`, for people and for telling a dead owner from a living one. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  readonly command: string;
  readonly started: string;
}

export interface RunLock {
  release(): Promise<void>;
}

/** A lock that was not touched for this long is dead, wherever its owner ran. A busy event loop must stay below. */
const staleMs = 30_000;

/**
 * Takes a run folder for this process. On this host a dead owner is recognised at once by its process id; on another
 * host (shared folders) by the age of the lock.
 *
 * All takers pass a short-lived gate lock first. Without it, two of them could find the same dead owner, and the
 * slower one would remove the lock that the faster one has just taken.
 *
 * @param onLost called if the lock is lost later, e.g. after the machine slept and another run took the folder.
 * @throws BlockForgeError `run-locked`, saying who holds it and since when.
 */
export async function lockRun(runFolder: string, onLost: () => void): Promise<RunLock> {
  await mkdir(runFolder, { recursive: true });
  const lockPath = join(runFolder, '.lock');
  const ownerPath = join(runFolder, 'owner.json');
  // The library knows a lock by the file it is for, and forgets the first of two for the same one.
  const openGate = await lockfile.lock(ownerPath, {
    lockfilePath: join(runFolder, '.lock-gate'),
    realpath: false,
    stale: 2000,
    retries: { retries: 60, factor: 1, minTimeout: 50, maxTimeout: 50 },
  });
  try {
    const before = await readOwner(ownerPath);
    if (before !== undefined && before.host === hostname() && !isAlive(before.pid)) {
      await rm(lockPath, { recursive: true, force: true });
    }
    const release = await lockfile
      .lock(runFolder, { lockfilePath: lockPath, stale: staleMs, onCompromised: onLost })
      .catch((error: unknown) => refuse(runFolder, before, error));
    const owner: LockOwner = {
      pid: process.pid,
      host: hostname(),
      command: process.argv.slice(1).join(' '),
      started: new Date().toISOString(),
    };
    await writeJsonAtomic(ownerPath, owner).catch(async (error: unknown) => {
      await release();
      throw error;
    });
    return {
      async release() {
        await rm(ownerPath, { force: true });
        // A lock that was lost is not ours to remove.
        await release().catch(() => undefined);
      },
    };
  } finally {
    await openGate();
  }
}

function refuse(runFolder: string, owner: LockOwner | undefined, error: unknown): never {
  if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
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

async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LockOwner;
  } catch {
    return undefined; // absent or half-written: then only the lock's age tells
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it lives, but belongs to somebody else
  }
}
