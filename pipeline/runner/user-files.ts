import { lstat, mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { insideFolder } from '../util/atomic.ts';
import { isUnchanged, type OutputFile } from './outputs.ts';

/**
 * What lies in a folder that is handed on (`JobPlan.folder`) beside what the runner wrote there: composed models, profiles,
 * notes. They are a user's. They stay where they are while the job's own files are exchanged around them; what is in the
 * way of a new file, or what the job says does not fit any more, is renamed into `set-aside/<date>/`. Nothing here deletes
 * what the runner cannot prove to have written, and every step is a rename: a crash at any moment loses nothing.
 */
export const setAsideName = 'set-aside';

/** A file or folder, by its path below the handed-on folder, and why it cannot stay. */
export interface Unfit {
  readonly path: string;
  /** Half a sentence: "its block-00/w0384 is not in the new library". */
  readonly why: string;
}

/** Removes the files that the runner wrote and nobody changed since, and the folders that are empty then. */
export async function removeOwn(folder: string, outputs: readonly OutputFile[]): Promise<void> {
  const folders = new Map<string, boolean>();
  /** A folder that was replaced by a link leads to files of somebody else's. */
  const isReal = async (path: string): Promise<boolean> => {
    const known = folders.get(path);
    if (known !== undefined) return known;
    const found = await lstat(path).catch(() => undefined);
    const real =
      path === folder
        ? await leadsToFolder(folder)
        : found?.isDirectory() === true && (await isReal(dirname(path)));
    folders.set(path, real);
    return real;
  };
  for (const output of outputs) {
    const full = insideFolder(folder, output.path);
    if ((await isReal(dirname(full))) && (await isUnchanged(full, output))) await rm(full, { force: true });
  }
  const deepestFirst = [...folders].filter(([, real]) => real).sort(([a], [b]) => b.length - a.length);
  for (const [path] of deepestFirst) await rmdir(path).catch(() => undefined);
}

/** Something of a user's that is set aside. */
export interface Moved {
  /** Its new path, below the run folder. */
  readonly to: string;
  /** The sentence about it. */
  readonly told: string;
}

/**
 * Moves everything in `from` to its place in `folder`, folders before files. A `folder` that is a link to one is followed:
 * `from` must lie on its disk.
 * @param unfit what the job found to fit no longer
 * @param onMove called before each thing is set aside, so that it can be told even if this is the last that happens
 */
export async function placeAmong(
  from: string,
  folder: string,
  unfit: readonly Unfit[],
  onMove: (moved: Moved) => Promise<void>,
): Promise<void> {
  const stamp = new Date().toISOString().replaceAll(':', '').replace(/\.\d+/, '');
  const name = basename(folder);
  let shelf: string | undefined;
  const setAside = async ({ path, why }: Unfit): Promise<void> => {
    const full = insideFolder(folder, path);
    if ((await lstat(full).catch(() => undefined)) === undefined) return;
    shelf ??= await freeShelf(folder, stamp);
    const target = join(folder, shelf, path);
    await mkdir(dirname(target), { recursive: true });
    const to = `${name}/${shelf}/${path}`;
    await onMove({ to, told: `${name}/${path} is set aside as ${to}: ${why}` });
    await rename(full, target);
  };
  if (!(await leadsToFolder(folder))) {
    if ((await lstat(folder).catch(() => undefined)) !== undefined) {
      const to = `${name}-${setAsideName}-${stamp}`;
      await onMove({ to, told: `${name} was no folder, it is set aside as ${to}` });
      await rename(folder, join(dirname(folder), to));
    }
    await rename(from, folder);
    return;
  }
  for (const item of unfit) await setAside(item);
  const place = async (below: string): Promise<void> => {
    const entries = await readdir(join(from, below), { withFileTypes: true });
    entries.sort((a, b) => Number(b.isDirectory()) - Number(a.isDirectory()));
    for (const entry of entries) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory() && (await isFolder(join(folder, path)))) {
        await place(path);
        continue;
      }
      await setAside({ path, why: 'it was put or changed here, and a new file has its name' });
      await rename(join(from, path), join(folder, path));
    }
  };
  await place('');
}

/** @returns a path below `folder` where nothing lies yet; a link or a file of that name is somebody else's */
async function freeShelf(folder: string, stamp: string): Promise<string> {
  for (let count = 1; ; count++) {
    const suffix = count === 1 ? '' : `-${count}`;
    const found = await lstat(join(folder, setAsideName)).catch(() => undefined);
    const shelf =
      found === undefined || found.isDirectory()
        ? `${setAsideName}/${stamp}${suffix}`
        : `${setAsideName}-${stamp}${suffix}`;
    if ((await lstat(join(folder, shelf)).catch(() => undefined)) === undefined) return shelf;
  }
}

/** A folder, or a link to one: what is handed on may lie on another disk. */
export async function leadsToFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() === true;
}
