import { readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeFileAtomic } from '../util/atomic.ts';
import { makeFolder } from '../util/make-folder.ts';
import type { JobId } from './contract.ts';
import type { Fingerprint } from './fingerprint.ts';

/**
 * Checkpoints inside a job: `runs/<name>/.resume/<stage>/<part>/`, with the fingerprint they belong to in a file beside
 * the folder, its tag. A checkpoint of another fingerprint (a setting was changed in between) is never handed out.
 *
 * An attempt (`attempt.ts`) works on `<part>.attempt-<8 hex>/`, with a tag of its own. Who takes a checkpoint renames its
 * folder and removes its tag: a folder without one was written by somebody who came too late.
 */
export function resumeFolderOf(runFolder: string, id: JobId): string {
  return join(runFolder, '.resume', id);
}

/** Where a checkpoint is, the job's own or that of an attempt. */
export async function hasCheckpoint(
  runFolder: string,
  id: JobId,
  fingerprint: Fingerprint,
): Promise<boolean> {
  return (await checkpointsOf(resumeFolderOf(runFolder, id), fingerprint)).length > 0;
}

/**
 * Hands out the folder for a job about to run.
 * @param elsewhere the job is done by attempts, who take what they find: what lost ones left is not moved here
 * @returns whether there is a checkpoint to go on from.
 */
export async function claimResumeFolder(
  runFolder: string,
  id: JobId,
  fingerprint: Fingerprint,
  elsewhere = false,
): Promise<{ folder: string; resumed: boolean }> {
  const folder = resumeFolderOf(runFolder, id);
  for (const other of [folder, ...(await attemptsOf(folder))]) {
    // An attempt with the same fingerprint may be at work.
    if ((await readTag(other)) !== fingerprint) await drop(other);
  }
  makeFolder(folder);
  if ((await readTag(folder)) !== fingerprint) await writeFileAtomic(tagOf(folder), fingerprint);
  if (!elsewhere) await takeCheckpoint(folder, fingerprint, folder);
  return { folder, resumed: await hasCheckpoint(runFolder, id, fingerprint) };
}

export async function dropResumeFolder(runFolder: string, id: JobId): Promise<void> {
  const folder = resumeFolderOf(runFolder, id);
  for (const other of [folder, ...(await attemptsOf(folder))]) await drop(other);
}

/**
 * Moves a job's checkpoint to `target`, from its own folder or from an attempt that was lost.
 * @param folder the job's own
 */
export async function takeCheckpoint(
  folder: string,
  fingerprint: Fingerprint,
  target: string,
): Promise<void> {
  for (const source of await checkpointsOf(folder, fingerprint)) {
    if (source === target) return;
    if (source !== folder && target === folder) await rmdir(folder).catch(() => undefined);
    await writeTag(target, fingerprint);
    // Where it is gone, somebody else took it.
    if (!(await moved(source, target))) continue;
    if (source !== folder) await rm(tagOf(source), { force: true });
    return;
  }
  makeFolder(target);
  await writeTag(target, fingerprint);
}

/** Moves an attempt's checkpoint to where the next one looks for it, the job's own folder. */
export async function returnCheckpoint(source: string, folder: string): Promise<void> {
  const tag = await readTag(source);
  if (tag !== '' && tag === (await readTag(folder)) && (await isFilled(source))) {
    await rmdir(folder).catch(() => undefined);
    // Where another lies there it stays where it is: the next one finds it all the same.
    if (!(await moved(source, folder))) return;
  }
  await drop(source);
}

export function tagOf(folder: string): string {
  return `${folder}.fingerprint`;
}

/** Folders that hold a checkpoint of this fingerprint: the job's own, then those of attempts, the last written first. */
async function checkpointsOf(folder: string, fingerprint: Fingerprint): Promise<readonly string[]> {
  const found: { path: string; time: number }[] = [];
  for (const path of [folder, ...(await attemptsOf(folder))]) {
    if ((await readTag(path)) !== fingerprint || !(await isFilled(path))) continue;
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
    found.push({ path, time: path === folder ? Infinity : mtimeMs });
  }
  return found.sort((a, b) => b.time - a.time).map(({ path }) => path);
}

async function attemptsOf(folder: string): Promise<readonly string[]> {
  const start = `${basename(folder)}.attempt-`;
  const names = await readdir(dirname(folder)).catch(() => []);
  const attempts = names
    .filter(
      (name) => name.startsWith(start) && /^[0-9a-f]{8}(\.fingerprint)?$/.test(name.slice(start.length)),
    )
    .map((name) => join(dirname(folder), name.replace(/\.fingerprint$/, '')));
  return [...new Set(attempts)];
}

/** The tag goes first: a half-removed checkpoint without it is not a checkpoint. */
async function drop(folder: string): Promise<void> {
  await rm(tagOf(folder), { force: true });
  await rm(folder, { recursive: true, force: true });
}

/** Not waited for on the disk: a tag that a crash tears is that of no checkpoint. */
async function writeTag(folder: string, fingerprint: Fingerprint): Promise<void> {
  if ((await readTag(folder)) !== fingerprint) await writeFile(tagOf(folder), fingerprint);
}

async function readTag(folder: string): Promise<string> {
  return readFile(tagOf(folder), 'utf8').catch(() => '');
}

async function isFilled(folder: string): Promise<boolean> {
  return (await readdir(folder).catch(() => [])).length > 0;
}

async function moved(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    () => false,
  );
}
