import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../util/atomic.ts';
import { makeFolder } from '../util/make-folder.ts';
import type { JobId } from './contract.ts';
import type { Fingerprint } from './fingerprint.ts';

/**
 * Checkpoints inside a job: `runs/<name>/.resume/<stage>/<part>/`, with the fingerprint they belong to in a file beside
 * the folder. A checkpoint of another fingerprint (a setting was changed in between) is never handed out.
 */
export function resumeFolderOf(runFolder: string, id: JobId): string {
  return join(runFolder, '.resume', id);
}

export async function hasCheckpoint(
  runFolder: string,
  id: JobId,
  fingerprint: Fingerprint,
): Promise<boolean> {
  const folder = resumeFolderOf(runFolder, id);
  const tag = await readFile(tagOf(folder), 'utf8').catch(() => '');
  if (tag !== fingerprint) return false;
  const files = await readdir(folder).catch(() => []);
  return files.length > 0;
}

/** Hands out the folder for a job about to run. @returns whether it holds a checkpoint to go on from. */
export async function claimResumeFolder(
  runFolder: string,
  id: JobId,
  fingerprint: Fingerprint,
): Promise<{ folder: string; resumed: boolean }> {
  const folder = resumeFolderOf(runFolder, id);
  const resumed = await hasCheckpoint(runFolder, id, fingerprint);
  if (!resumed) {
    await dropResumeFolder(runFolder, id);
    makeFolder(folder);
    await writeFileAtomic(tagOf(folder), fingerprint);
  }
  return { folder, resumed };
}

/** The tag goes first: a half-removed checkpoint without it is not a checkpoint. */
export async function dropResumeFolder(runFolder: string, id: JobId): Promise<void> {
  const folder = resumeFolderOf(runFolder, id);
  await rm(tagOf(folder), { force: true });
  await rm(folder, { recursive: true, force: true });
}

function tagOf(folder: string): string {
  return `${folder}.fingerprint`;
}
