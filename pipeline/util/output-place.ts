import { constants } from 'node:fs';
import { lstat, open, readlink, realpath, stat, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from './failure.ts';
import { openFlags } from './plain-file.ts';

/** Where what is written to a path goes: a file that can be exchanged for a new one, or what is written into. */
export type OutputPlace =
  { readonly kind: 'file'; readonly path: string } | { readonly kind: 'stream'; readonly path: string };

/** Names of what a process has open; below /dev lie ordinary folders too. */
const openFiles = /^\/(dev\/(fd\/|stdout|stderr)|proc\/)/;

/**
 * Follows links, and says whether the end is (or will be) a file. Pipes, devices and what stands under /dev/fd are streams:
 * a rename would put a file in their place.
 * @throws the system's error; BlockForgeError `place-unusable` for a folder and for a disk
 */
export async function outputPlace(path: string): Promise<OutputPlace> {
  const found = await stat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) {
    // A link to what is not there yet: there it is made.
    const isLink = (await lstat(path).catch(() => undefined))?.isSymbolicLink() === true;
    if (!isLink) return { kind: 'file', path };
    return outputPlace(resolve(await realpath(dirname(path)), await readlink(path)));
  }
  const refuse = (what: string): never =>
    fail({ reason: 'place-unusable', subject: path, found: what, next: 'give the path of a file' });
  if (found.isDirectory()) return refuse('it is a folder, not a file');
  if (found.isBlockDevice()) return refuse('it is a disk, not a file');
  if (found.isFile() && !openFiles.test(path)) return { kind: 'file', path: await realpath(path) };
  return { kind: 'stream', path };
}

/** How long a pipe may be without a reader. */
const readerWaitMs = 10_000;

/**
 * Writes into a pipe or a device. There is nothing to flush, and nothing to take back.
 * @throws the system's error; BlockForgeError `place-unusable` where nobody reads the pipe
 */
export async function writeStream(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
  waitMs = readerWaitMs,
): Promise<void> {
  const probe = await openForReader(path, waitMs);
  try {
    // This one waits where a pipe is full, and is opened at once: there is a reader.
    const handle = await open(path, constants.O_WRONLY | constants.O_APPEND);
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    fail({ reason: 'place-unusable', subject: path, found: 'its reader left before the end' }, error);
  } finally {
    await probe.close();
  }
}

/** A blocking open of a pipe that nobody reads would hold a thread for ever. */
async function openForReader(path: string, waitMs: number): Promise<FileHandle> {
  const end = Date.now() + waitMs;
  for (;;) {
    try {
      // Without waiting: O_RDONLY is zero.
      return await open(path, constants.O_WRONLY | openFlags);
    } catch (error) {
      const waits = (error as NodeJS.ErrnoException).code === 'ENXIO' && (await stat(path)).isFIFO();
      if (!waits) throw error;
      if (Date.now() > end) {
        const found = `a pipe that nobody reads (waited ${waitMs / 1000} s)`;
        fail({ reason: 'place-unusable', subject: path, found, next: 'start its reader first' });
      }
      await sleep(50);
    }
  }
}
