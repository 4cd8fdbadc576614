import { createHash } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
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
 * @property {string} digest of their contents
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
  try {
    if (known !== undefined && isCurrent(known)) return filesOf(known, programs);
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
function isCurrent(compiled) {
  const { root, sources, digest } = compiled;
  const states = sources.map(([path]) => stateOf(join(root, path)));
  if (states.some((found, index) => found?.[0] !== sources[index]?.[1])) return false;
  if (states.every((found, index) => found?.[1] === sources[index]?.[2])) return true;
  // Copied to where they are now, as into the layers of an image, whose user may not compile there.
  if (digestOf(root, sources) !== digest) return false;
  const known = sources.map(([path, bytes], index) => [path, bytes, states[index]?.[1] ?? 0]);
  writeRecord(root, { ...compiled, sources: /** @type {Compiled['sources']} */ (known) });
  return true;
}

/** @param {string} root @param {Compiled['sources']} sources */
export function digestOf(root, sources) {
  const hash = createHash('sha256');
  for (const [path, bytes] of sources)
    hash.update(`${path} ${bytes}\n`).update(readFileSync(join(root, path)));
  return hash.digest('hex');
}

/** Spares the next start the reading of all sources, where it can be written. @param {string} root @param {Compiled} compiled */
function writeRecord(root, compiled) {
  const temporary = join(root, cacheFolder, `${compiled.folder}.${process.pid}.json`);
  try {
    writeFileSync(temporary, JSON.stringify(compiled));
    renameSync(temporary, join(root, cacheFolder, recordFile));
  } catch {
    // Then every start reads them.
  }
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
