import { readdirSync, realpathSync, statSync, type Dirent, type Stats } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fail } from '../../../pipeline/util/failure.ts';
import { byCodeUnit } from '../../classes/folder-order.ts';
import { endingOf, foreignImageEndings, imageEndings, isSystemName, tableEndings } from './names.ts';
import { count, type Tally } from './tally.ts';

/** What lies in one folder. Names, in the order of code units. */
export interface Listing {
  readonly images: string[];
  /** Links to folders among them. */
  readonly folders: string[];
  readonly tables: string[];
  /** Neither image nor table, by kind; paths. */
  readonly other: Tally;
  /** What might have been meant as images. */
  readonly missed: Tally;
  /** Hidden and system files and folders. */
  readonly system: Tally;
}

/** By path below the root with `/`; the root is ''. */
export type Tree = ReadonlyMap<string, Listing>;

/** Nobody keeps images deeper than this; what lies deeper is counted. */
const maxDepth = 32;
/** More entries than this are no folder of images but a file system. */
const maxEntries = 20_000_000;
/** Folders between two looks at what else the process has to do, such as an interrupt. */
const breath = 16;

/**
 * Lists everything below `root`, each folder once: real folders first, then those that links lead to. No file is opened.
 * @param root resolved
 * @throws BlockForgeError `data-invalid` for a link out of the root without `followLinks`, a folder that cannot be read,
 * a folder whose name is not UTF-8
 */
export async function walkFolder(root: string, followLinks: boolean): Promise<Tree> {
  const tree = new Map<string, Listing>();
  const seen = new Set<string>();
  const folders = [''];
  /** Looked at last, so that a folder is listed at its own place rather than at a link to it. */
  const links: string[] = [];
  let entries = 0;

  for (let turns = 1; ; turns++) {
    if (turns % breath === 0) await setImmediate();
    const path = folders.pop() ?? links.shift();
    if (path === undefined) return tree;
    const folder = join(root, path);
    const { dev, ino } = readable(folder, () => statSync(folder));
    if (seen.has(`${dev}:${ino}`)) {
      const parent = tree.get(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
      if (parent !== undefined) count(parent.missed, 'link to a folder that is read elsewhere', path);
      continue;
    }
    seen.add(`${dev}:${ino}`);
    const inner: string[] = [];
    const listing = listFolder(root, path, followLinks, (folder, linked) =>
      (linked ? links : inner).push(folder),
    );
    // The first of them is the next to be listed.
    for (const folder of inner.reverse()) folders.push(folder);
    tree.set(path, listing);
    entries += listing.images.length + listing.folders.length;
    if (entries > maxEntries) refuseTooMany(root);
  }
}

export function below(path: string, name: string): string {
  return path === '' ? name : `${path}/${name}`;
}

function listFolder(
  root: string,
  path: string,
  followLinks: boolean,
  onFolder: (path: string, linked: boolean) => void,
): Listing {
  const listing: Listing = {
    images: [],
    folders: [],
    tables: [],
    other: new Map(),
    missed: new Map(),
    system: new Map(),
  };
  const folder = join(root, path);
  const tooDeep = path !== '' && path.split('/').length >= maxDepth;
  const entries = readable(folder, () => readdirSync(folder, { withFileTypes: true }));
  for (const entry of entries.sort((a, b) => byCodeUnit(a.name, b.name))) {
    const { name } = entry;
    const at = below(path, name);
    if (isSystemName(name)) {
      count(listing.system, name.startsWith('.') ? 'hidden' : 'of the system', at);
      continue;
    }
    // What is not UTF-8 is read as this mark and cannot be opened by the name that was read.
    const foreignName = name.includes('\uFFFD');
    const found = entry.isSymbolicLink() ? linkTarget(root, at, followLinks) : entry;
    if (found === undefined) count(listing.missed, 'link that leads nowhere', at);
    else if (found.isDirectory()) {
      if (foreignName) refuseName(root, at);
      if (tooDeep) count(listing.missed, `folder deeper than ${maxDepth}`, at);
      else {
        listing.folders.push(name);
        onFolder(at, entry.isSymbolicLink());
      }
    } else if (!found.isFile()) count(listing.missed, 'neither file nor folder', at);
    else if (foreignName) count(listing.missed, 'with a name that is not UTF-8', at);
    else sortFile(listing, name, at);
  }
  return listing;
}

function sortFile(listing: Listing, name: string, at: string): void {
  const ending = endingOf(name);
  if (imageEndings.has(ending)) listing.images.push(name);
  else if (tableEndings.has(ending)) listing.tables.push(name);
  else if (ending === '') count(listing.missed, 'without ending', at);
  else if (foreignImageEndings.has(ending)) count(listing.missed, ending, at);
  else if (imageEndings.has(ending.trim())) count(listing.missed, 'with a space behind the ending', at);
  else count(listing.other, ending, at);
}

/** What a link leads to. A data folder may be a download: without leave its links must not reach this machine's files. */
function linkTarget(root: string, path: string, followLinks: boolean): Stats | Dirent | undefined {
  const link = join(root, path);
  let target: string;
  let found: Stats;
  try {
    found = statSync(link);
    if (followLinks && !found.isDirectory()) return found;
    target = realpathSync.native(link);
  } catch (error) {
    if (['ENOENT', 'ELOOP', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    return refuseUnreadable(link, error);
  }
  // A folder around the root leads back into it, and to everything else.
  if (isInside(root, target) && target !== root) return undefined;
  if (followLinks || isInside(target, root) || (found.isFile() && !imageEndings.has(endingOf(path))))
    return found;
  return fail({
    reason: 'data-invalid',
    subject: link,
    found: `a link to ${target}`,
    expected: `links that stay inside ${root}`,
    next: 'set data.followLinks: true where you trust this folder, or replace the link by what it leads to',
  });
}

function isInside(path: string, folder: string): boolean {
  const fromFolder = relative(folder, path);
  return fromFolder !== '..' && !fromFolder.startsWith(`..${sep}`);
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    return refuseUnreadable(path, error);
  }
}

function refuseUnreadable(path: string, error: unknown): never {
  return fail(
    {
      reason: 'data-invalid',
      subject: path,
      found: `it cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      expected: 'folders that this user may list',
      next: 'change its permissions, or move it out of data.path',
    },
    error,
  );
}

function refuseName(root: string, path: string): never {
  return fail({
    reason: 'data-invalid',
    subject: join(root, path),
    found: 'a folder whose name is not UTF-8',
    expected: 'names in UTF-8: a class is known by its name',
    next: 'rename the folder (convmv -f latin1 -t utf8 --notest does it for many)',
  });
}

function refuseTooMany(root: string): never {
  return fail({
    reason: 'data-invalid',
    subject: root,
    found: `more than ${maxEntries.toLocaleString('en')} images and folders`,
    expected: 'a folder of images',
    next: 'point data.path at the folder of the images',
  });
}
