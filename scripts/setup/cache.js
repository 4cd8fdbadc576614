import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Unavailable } from './command.js';

/** Written last into every folder of the cache; a folder without it is not there. */
const seal = 'complete.json';

/** Partial folders of this process, for {@link dropPartials}. @type {Set<string>} */
const partials = new Set();

/**
 * Where downloads and compiled bindings are kept between installations.
 *
 * @param {NodeJS.ProcessEnv} environment
 */
export function cacheRoot(environment) {
  if (environment.BLOCKFORGE_CACHE) return environment.BLOCKFORGE_CACHE;
  return join(environment.XDG_CACHE_HOME || join(homedir(), '.cache'), 'blockforge');
}

/**
 * What was sealed in a folder of the cache, or undefined where the folder is missing or unfinished.
 *
 * @param {string} folder
 * @returns {Promise<Record<string, any> | undefined>}
 */
export async function sealed(folder) {
  try {
    return JSON.parse(await readFile(join(folder, seal), 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Makes a folder of the cache in a sibling that is renamed when it is complete: at no moment does a half-made
 * folder carry a final name, however the process ends. Where somebody else was faster, theirs is kept.
 *
 * @param {string} root
 * @param {string} label begins the sibling's name
 * @param {(partial: string) => Promise<{ name: string, content: Record<string, unknown> }>} fill the final name, and what to seal
 * @returns {Promise<{ folder: string, content: Record<string, any> }>}
 */
export async function publish(root, label, fill) {
  const partial = join(root, `${label}.partial-${process.pid}-${randomBytes(3).toString('hex')}`);
  partials.add(partial);
  try {
    await mkdir(partial, { recursive: true });
    const { name, content } = await fill(partial);
    const folder = join(root, name);
    await writeFile(join(partial, seal), `${JSON.stringify(content, null, 2)}\n`);
    if ((await sealed(folder)) === undefined) {
      await rm(folder, { recursive: true, force: true });
      await rename(partial, folder).catch(async (error) => {
        if ((await sealed(folder)) === undefined) throw error;
      });
    }
    return { folder, content: (await sealed(folder)) ?? content };
  } catch (error) {
    if (['EACCES', 'EROFS', 'EPERM', 'ENOSPC', 'ENOTDIR'].includes(error.code)) {
      throw new Unavailable(
        `the cache ${root} cannot be written (${error.code}); BLOCKFORGE_CACHE=DIR names another`,
      );
    }
    throw error;
  } finally {
    await rm(partial, { recursive: true, force: true });
    partials.delete(partial);
  }
}

/** Removes what this process has half made; for use when it is being interrupted. */
export async function dropPartials() {
  await Promise.all(
    [...partials].map((partial) => rm(partial, { recursive: true, force: true, maxRetries: 3 })),
  );
}

/**
 * Removes the unfinished folders of processes that are gone (killed, or the machine went down).
 *
 * @param {string} root
 */
export async function sweep(root) {
  if (!existsSync(root)) return;
  for (const name of await readdir(root)) {
    const owner = /\.partial-(\d+)-[0-9a-f]+$/.exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner)))
      await rm(join(root, name), { recursive: true, force: true });
  }
}

/**
 * @param {string} root
 * @param {number} bytes
 */
export async function needSpace(root, bytes) {
  await mkdir(root, { recursive: true }).catch((error) => {
    throw new Unavailable(
      `the cache ${root} cannot be made (${error.code}); BLOCKFORGE_CACHE=DIR names another`,
    );
  });
  const { bavail, bsize } = await statfs(root);
  if (bavail * bsize >= bytes) return;
  const gigabytes = (/** @type {number} */ size) => (size / 1e9).toFixed(1);
  throw new Unavailable(
    `${root} has ${gigabytes(bavail * bsize)} GB free and ${gigabytes(bytes)} GB are needed; BLOCKFORGE_CACHE=DIR names another`,
  );
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
