import { mkdirSync, statSync } from 'node:fs';
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
