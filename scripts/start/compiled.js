import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Below the package's folder. Whoever removes node_modules removes it, too. */
export const cacheFolder = join('node_modules', '.cache', 'blockforge');

/** Beside the copies: says which one is the last, and what it was made of. */
export const recordFile = 'compiled.json';

/**
 * @typedef {object} Compiled the last compiled copy
 * @property {string} root the package's folder, absolute: paths of sources are written into the copy
 * @property {string} folder of the copy, below the cache's
 * @property {Record<string, string>} programs file of the copy by path of the source from the root
 * @property {readonly (readonly [path: string, bytes: number, changed: number])[]} sources
 */

/**
 * The compiled files of programs, out of a copy that is made anew where it is missing or older than its sources.
 *
 * @param {string} root the package's folder, absolute
 * @param {readonly string[]} programs absolute paths of sources
 * @returns {Promise<ReadonlyMap<string, string> | undefined>} by source; undefined where no copy holds all of them
 */
export async function compiledPrograms(root, programs) {
  const known = readRecord(root);
  if (known !== undefined && isCurrent(known)) return filesOf(known, programs);
  try {
    const { compile, programFiles } = await import('./compile.js');
    const all = programFiles(root);
    if (!programs.every((program) => all.includes(program))) return undefined;
    const made = await compile(root, all);
    return made && filesOf(made, programs);
  } catch {
    // A folder that may not be written, a source that is wrong: the other way says what there is to say.
    return undefined;
  }
}

/** @param {Compiled} compiled @param {readonly string[]} programs */
function filesOf({ root, folder, programs: files }, programs) {
  const all = new Map(
    Object.entries(files).map(([source, file]) => [
      join(root, source),
      join(root, cacheFolder, folder, file),
    ]),
  );
  return programs.every((program) => all.has(program)) ? all : undefined;
}

/** @param {string} root @returns {Compiled | undefined} */
function readRecord(root) {
  try {
    const record = JSON.parse(readFileSync(join(root, cacheFolder, recordFile), 'utf8'));
    return record.root === root ? record : undefined;
  } catch {
    return undefined;
  }
}

/** @param {Compiled} compiled */
function isCurrent({ root, sources }) {
  return sources.every(([path, bytes, changed]) => {
    const found = stateOf(`${root}/${path}`);
    return found?.[0] === bytes && found[1] === changed;
  });
}

/**
 * Tells contents apart without reading them. The time is the system's own, which nobody sets: modification times are what archives and
 * copies say (one for all files, years ago, or to come).
 *
 * @param {string} path
 * @returns {[bytes: number, changed: number] | undefined} undefined where there is no such file
 */
export function stateOf(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && [found.size, found.ctimeMs];
}
