import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, renameSync, writeFileSync } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '../pipeline/util/make-folder.ts';

/**
 * Up to here a file is read and written at once. Of images this small the system keeps a whole data set in memory, and
 * handing each of the calls to another thread takes nine tenths of the time.
 */
const smallBytes = 32_768;

export interface CacheFile {
  readonly bytes: Buffer;
  readonly modifiedMs: number;
}

/** @returns undefined for a file of another size @throws the system's error */
export async function readCacheFile(path: string, byteCount: number): Promise<CacheFile | undefined> {
  const bytes = Buffer.allocUnsafe(byteCount);
  if (byteCount <= smallBytes) {
    const file = openSync(path, 'r');
    try {
      const { size, mtimeMs } = fstatSync(file);
      const isWhole = size === byteCount && readSync(file, bytes, 0, byteCount, 0) === byteCount;
      return isWhole ? { bytes, modifiedMs: mtimeMs } : undefined;
    } finally {
      closeSync(file);
    }
  }
  const file = await open(path, 'r');
  try {
    const { size, mtimeMs } = await file.stat();
    if (size !== byteCount) return undefined;
    const { bytesRead } = await file.read(bytes, 0, byteCount, 0);
    return bytesRead === byteCount ? { bytes, modifiedMs: mtimeMs } : undefined;
  } finally {
    await file.close();
  }
}

/**
 * Writes beside the target and renames, so that no reader meets a half. Not flushed to disk: what a power cut leaves of
 * it has a wrong checksum. @throws the system's error
 */
export async function writeCacheFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp-${randomBytes(4).toString('hex')}`;
  try {
    if (bytes.length <= smallBytes) {
      inFolder(path, () => writeFileSync(temporary, bytes));
      renameSync(temporary, path);
    } else {
      makeFolder(dirname(path));
      await writeFile(temporary, bytes);
      await rename(temporary, path);
    }
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Most folders are there already. */
function inFolder(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    makeFolder(dirname(path));
    write();
  }
}
