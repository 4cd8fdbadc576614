import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What the set-up leaves for the engines' side (`pipeline/tensor/installed.ts` reads it).
 *
 * @typedef {object} Stamp
 * @property {'tensorflow' | 'wasm'} engine
 * @property {boolean} asked by an explicit option: a later automatic set-up leaves it as it is
 * @property {string} [version]
 * @property {'cpu' | 'cuda'} [variant]
 * @property {'wheel' | 'folder' | 'official'} [source]
 * @property {string} [folder] holds the C++ libraries
 * @property {string} [named] the folder the user named, for source 'folder'
 * @property {string} [binding]
 * @property {string} [platform]
 * @property {string} [arch]
 * @property {readonly string[]} why a faster engine is not there, one sentence per attempt
 */

/** @param {string} toolFolder */
const stampPath = (toolFolder) => join(toolFolder, 'node_modules', '.blockforge-engine.json');

/** The stamp, where what it speaks of is still there. @param {string} toolFolder @returns {Promise<Stamp | undefined>} */
export async function readStamp(toolFolder) {
  try {
    const stamp = JSON.parse(await readFile(stampPath(toolFolder), 'utf8'));
    if (stamp.engine === 'wasm') return stamp;
    const here = stamp.platform === process.platform && stamp.arch === process.arch;
    return here && existsSync(stamp.binding) && existsSync(stamp.folder) ? stamp : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} toolFolder @param {Stamp} stamp */
export async function writeStamp(toolFolder, stamp) {
  const partial = `${stampPath(toolFolder)}.partial-${process.pid}`;
  await writeFile(partial, `${JSON.stringify(stamp, null, 2)}\n`);
  await rename(partial, stampPath(toolFolder));
}

/** Withdrawn before anything is changed, so that an interrupted set-up claims nothing. @param {string} toolFolder */
export async function dropStamp(toolFolder) {
  await rm(stampPath(toolFolder), { force: true });
}
