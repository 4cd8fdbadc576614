import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../util/make-folder.ts';
import type { JobRequest } from './executor.ts';
import { returnCheckpoint, takeCheckpoint, tagOf } from './resume-folder.ts';

/**
 * One try at a job by somebody who may be lost and come back: another machine, a process that was frozen. It works in
 * folders of its own beside the request's, `<folder>.attempt-<8 hex>`, and on the checkpoint, which it takes by renaming.
 * So whoever is late writes where nobody reads. The outputs are published out of the attempt's folder by a rename.
 */
export interface Attempt {
  readonly id: string;
  /** The same request, in the attempt's own folders. */
  readonly request: JobRequest;
  /** It did not succeed: its checkpoint is the next one's, unless somebody has taken it already; what it wrote is removed. */
  giveUp(): Promise<void>;
}

export function newAttemptId(): string {
  return randomBytes(4).toString('hex');
}

/** Makes the attempt's folders. @param runFolder as it is seen from here */
export async function beginAttempt(
  runFolder: string,
  request: JobRequest,
  id = newAttemptId(),
): Promise<Attempt> {
  const folder = `${request.folder}.attempt-${id}`;
  const resumeFolder = `${request.resumeFolder}.attempt-${id}`;
  const own: JobRequest = { ...request, folder, resumeFolder };
  const shared = join(runFolder, request.resumeFolder);
  makeFolder(join(runFolder, folder));
  await takeCheckpoint(shared, request.fingerprint, join(runFolder, resumeFolder));
  return {
    id,
    request: own,
    async giveUp() {
      await returnCheckpoint(join(runFolder, resumeFolder), shared);
      await rm(join(runFolder, folder), { recursive: true, force: true });
    },
  };
}

/** A folder that an attempt writes its outputs to; the name of a checkpoint's lacks the middle. */
const outputsOfAttempt = /\.tmp-[0-9a-f]{8}\.attempt-[0-9a-f]{8}$/;
const checkpointOfAttempt = /\.attempt-[0-9a-f]{8}$/;

/**
 * Removes what lost attempts left. Checkpoints that can be gone on with stay: they go when their job has been done.
 * @param living is asked, if at all, after everything was listed: attempts in whose folders somebody works or is going to read
 */
export async function removeAttempts(
  runFolder: string,
  living: () => Promise<ReadonlySet<string>>,
): Promise<void> {
  const found = [...(await listOutputs(runFolder)), ...(await listUntagged(runFolder))];
  if (found.length === 0) return;
  const kept = await living();
  for (const path of found) {
    if (!kept.has(path.slice(-8))) await rm(path, { recursive: true, force: true });
  }
}

/** Beside the places of jobs, and in folders that are handed on and lead to another disk. */
async function listOutputs(runFolder: string): Promise<readonly string[]> {
  const top = await listNames(runFolder);
  const folders = [
    runFolder,
    ...top.filter((name) => !name.startsWith('.')).map((name) => join(runFolder, name)),
  ];
  const names = await Promise.all(
    folders.map(async (folder) => ({ folder, names: await listNames(folder) })),
  );
  return names.flatMap(({ folder, names: all }) =>
    all.filter((name) => outputsOfAttempt.test(name)).map((name) => join(folder, name)),
  );
}

/** Without its tag a checkpoint was written by somebody from whom it had been taken. */
async function listUntagged(runFolder: string): Promise<readonly string[]> {
  const resume = join(runFolder, '.resume');
  const found: string[] = [];
  for (const stage of await listNames(resume)) {
    const names = await listNames(join(resume, stage));
    const attempts = names.filter((name) => checkpointOfAttempt.test(name));
    const untagged = attempts.filter((name) => !names.includes(tagOf(name)));
    found.push(...untagged.map((name) => join(resume, stage, name)));
  }
  return found;
}

async function listNames(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
