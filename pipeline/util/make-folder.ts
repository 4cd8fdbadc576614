import { accessSync, constants, lstatSync, mkdirSync, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a folder with all that are missing above it; one that is there is fine. Node's own recursive mkdir never returns
 * where a parent exists and takes no folders (below /proc): here every level is tried twice at most.
 * @throws the system's error, with the path it is about
 */
export function makeFolder(path: string): void {
  const missing: string[] = [];
  for (let folder = resolve(path); !makeOne(folder); folder = dirname(folder)) missing.push(folder);
  for (const folder of missing.reverse()) {
    // Its parent is there now: what is missing still cannot be made.
    if (!makeOne(folder)) mkdirSync(folder);
  }
}

/** @returns false where a folder above it is missing */
function makeOne(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return true;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(folder) !== folder) return false;
    throw error;
  }
}

/** What the kernel shows as files takes none of ours: proc, sysfs, cgroup and cgroup2, by `statfs`. */
const kernelFileSystems: ReadonlySet<number> = new Set([0x9fa0, 0x62656572, 0x27e0eb, 0x63677270]);

/**
 * Whether `makeFolder` could make it and files could be put there, without making anything.
 * @throws the system's error, as `makeFolder` does
 */
export function requireMakeable(path: string): void {
  let folder = resolve(path);
  let found = statSync(folder, { throwIfNoEntry: false });
  for (; found === undefined; found = statSync(folder, { throwIfNoEntry: false })) {
    // A link to nothing has the name.
    if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined) refuse('EEXIST', folder);
    folder = dirname(folder);
  }
  const isWhole = folder === resolve(path);
  if (!found.isDirectory()) refuse(isWhole ? 'EEXIST' : 'ENOTDIR', isWhole ? folder : resolve(path));
  if (kernelFileSystems.has(statfsSync(folder).type)) refuse('ENOENT', resolve(path));
  accessSync(folder, constants.W_OK | constants.X_OK);
}

function refuse(code: string, path: string): never {
  throw Object.assign(new Error(`${code}: mkdir '${path}'`), { code, path, syscall: 'mkdir' });
}
