import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { extname, join, relative, resolve, sep } from 'node:path';
import { fail } from '../../pipeline/util/failure.ts';
import { formatBytes } from '../../pipeline/util/format.ts';
import type { Item, Origin, Source } from '../contract.ts';
import { decodeImage } from '../decode-image.ts';
import { failMissing } from '../missing.ts';

const extensions = new Set(['.jpg', '.jpeg', '.png', '.webp']);
const valNames = ['val', 'validation', 'valid'];
const maxFileBytes = 256e6;
/** Folders inside a class folder are searched this deep. */
const maxDepth = 4;

/**
 * Images in one folder per class; classes are the folders sorted by name (by code units, so the same everywhere).
 * Where the top level holds `train/` and one of `test/`, `val/` or both, those are the source's own splits. Hidden files and other file types are ignored; links may not lead out of the folder.
 * @throws BlockForgeError `file-missing` without images, `data-invalid` for a link out of the folder or a test class
 * that is not among the training classes.
 */
export async function openFolder(folder: string): Promise<Source> {
  const { root, top, parts, classes } = await layoutOf(folder);
  const labels = new Map(classes.map((name, label) => [name, label]));
  const items: Item[] = [];
  for (const { at, origin } of parts) {
    for (const name of await listFolders(root, at)) {
      const label = labels.get(name);
      if (label === undefined) {
        fail({
          reason: 'data-invalid',
          subject: join(folder, at, name),
          found: 'a class that has no folder in train/',
          expected: `the ${classes.length} classes of ${join(folder, 'train')}`,
          next: 'remove the folder, or add the class to train/',
        });
      }
      const paths = await listImages(root, at === '' ? name : `${at}/${name}`, 0);
      for (const id of paths.sort(byCodeUnit)) items.push({ id, label, origin });
    }
  }
  if (items.length === 0) missing(folder, `${top.length} folders without JPEG, PNG or WebP images`);
  return {
    description: `folder ${folder} (${items.length.toLocaleString('en')} images, ${classes.length.toLocaleString('en')} classes)`,
    classes,
    items,
    content: async ({ id }) => {
      const path = join(root, id);
      const { size } = await stat(path);
      if (size > maxFileBytes) throw new Error(`a file of ${formatBytes(size)}`);
      return readFile(path);
    },
    decode: (_, content) => decodeImage(content),
  };
}

/** The classes alone, sorted by code units: reads no folder of images. @throws as `openFolder` */
export async function folderClasses(folder: string): Promise<readonly string[]> {
  return (await layoutOf(folder)).classes;
}

async function layoutOf(folder: string) {
  const root = await realpath(folder).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    return missing(folder, code === 'ENOENT' ? 'no such folder' : message);
  });
  if (!(await stat(root)).isDirectory()) missing(folder, 'a file');
  const top = await listFolders(root, '');
  const valName = valNames.find((name) => top.includes(name));
  const parts: { at: string; origin: Origin }[] = [
    { at: 'train', origin: 'train' },
    ...(valName === undefined ? [] : [{ at: valName, origin: 'val' } as const]),
    ...(top.includes('test') ? [{ at: 'test', origin: 'test' } as const] : []),
  ];
  if (!top.includes('train') || parts.length === 1) parts.splice(0, parts.length, { at: '', origin: 'all' });
  return { root, top, parts, classes: await listFolders(root, parts[0]!.at) };
}

function missing(folder: string, found: string): never {
  return failMissing(folder, {
    found,
    layout:
      'one folder per class with JPEG, PNG or WebP images, or train/ and test/ (or val/) holding such folders',
    get: 'put the images there',
  });
}

async function listFolders(root: string, at: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await visible(join(root, at))) {
    if (
      entry.isDirectory() ||
      (entry.isSymbolicLink() && (await linkTarget(root, at, entry)).isDirectory())
    ) {
      names.push(entry.name);
    }
  }
  return names.sort(byCodeUnit);
}

/** Relative paths with `/`, the same on every machine. */
async function listImages(root: string, at: string, depth: number): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await visible(join(root, at))) {
    const path = `${at}/${entry.name}`;
    const linked = entry.isSymbolicLink() ? await linkTarget(root, at, entry) : undefined;
    if (entry.isDirectory()) {
      if (depth < maxDepth) paths.push(...(await listImages(root, path, depth + 1)));
    } else if (extensions.has(extname(entry.name).toLowerCase()) && (linked ?? entry).isFile()) {
      paths.push(path);
    }
  }
  return paths;
}

async function visible(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter(({ name }) => !name.startsWith('.'));
}

/** What a link leads to. A data folder may be a download: its links must not reach other files of this machine. */
async function linkTarget(root: string, at: string, { name }: Dirent) {
  const link = join(root, at, name);
  const refuse = (found: string): never =>
    fail({
      reason: 'data-invalid',
      subject: link,
      found,
      expected: `links that stay inside ${root}`,
      next: 'replace the link by what it leads to',
    });
  const target = await realpath(link).catch(() => refuse('a link that leads nowhere'));
  const fromRoot = relative(root, resolve(target));
  if (fromRoot === '..' || fromRoot.startsWith(`..${sep}`)) refuse(`a link to ${target}`);
  return stat(target);
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
