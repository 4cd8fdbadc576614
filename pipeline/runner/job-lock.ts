import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../util/failure.ts';
import { makeFolder } from '../util/make-folder.ts';
import type { JobId } from './contract.ts';
import { fileNameOf, jobOfFileName } from './job-file-name.ts';
import { holderOfRun, refuseRun } from './lock.ts';
import { describeHolder, holderOf, takeLock, type LockPlace, type OwnedLock } from './owned-lock.ts';
import { waitUnless } from './retry.ts';

/** How often a lock that somebody else holds is looked at again. */
const lookAgainMs = 500;

export interface JobLockOptions {
  /** Called with the reason if the lock is lost later. */
  readonly onLost: (why: string) => void;
  /** Called once where somebody else does the same job: this one waits. */
  readonly onWait: (who: string) => void;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** How long a run that is at work is waited for. Default 5 s: one that is refused because of this job is gone by then. */
  readonly patienceMs?: number | undefined;
}

/**
 * Takes one job of a run for this process, so that many may do jobs of one run at once, on any machines. Who finds the same
 * job taken waits: a scheduler may have started it anew before the first one's end was known.
 *
 * A run and its jobs by themselves shut each other out: each takes its own lock, then looks at the other's.
 *
 * @returns undefined where `signal` ended the waiting
 * @throws BlockForgeError `run-locked` where a run is at work there; errors of the system as they are
 */
export async function lockJob(
  runFolder: string,
  job: JobId,
  { onLost, onWait, signal, patienceMs = 5000 }: JobLockOptions,
): Promise<OwnedLock | undefined> {
  const folder = join(runFolder, locksFolder);
  makeFolder(folder);
  await access(folder, constants.W_OK);
  let told = false;
  for (;;) {
    if (signal.aborted) return undefined;
    const taken = await takeLock(jobPlace(runFolder, job), onLost);
    if (!('held' in taken)) {
      try {
        await waitForRun(runFolder, patienceMs);
        return taken;
      } catch (error) {
        await taken.release();
        throw error;
      }
    }
    if (!told) onWait(describeHolder(taken.held) ?? 'a process that is just starting');
    told = true;
    await waitUnless(signal, lookAgainMs / 1000);
  }
}

/** A run starts only where nobody does one of its jobs by itself. Call it under the run's lock. @throws BlockForgeError `run-locked` */
export async function refuseJobsAtWork(runFolder: string): Promise<void> {
  const names = await readdir(join(runFolder, locksFolder)).catch(() => []);
  for (const name of names) {
    const file = /^(.+)\.lock$/.exec(name)?.[1];
    const held = file && (await holderOf(placeNamed(runFolder, file)));
    if (!held) continue;
    fail({
      reason: 'run-locked',
      subject: runFolder,
      found: `${jobOfFileName(file)} is being done by ${describeHolder(held) ?? 'a process that is just starting'}`,
      expected: 'nobody at work on a job of a run that is to be started as a whole',
      next: 'wait for it, or stop it; what it did is kept',
    });
  }
}

const locksFolder = '.locks';

function jobPlace(runFolder: string, job: JobId): LockPlace {
  return placeNamed(runFolder, fileNameOf(job));
}

function placeNamed(runFolder: string, name: string): LockPlace {
  const of = join(runFolder, locksFolder, name);
  return { of, lock: `${of}.lock`, owner: `${of}.json`, gate: `${of}.gate` };
}

async function waitForRun(runFolder: string, patienceMs: number): Promise<void> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const held = await holderOfRun(runFolder);
    if (held === undefined) return;
    if (Date.now() > end) refuseRun(runFolder, held);
    await sleep(lookAgainMs / 2);
  }
}
