import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { refuseWrite } from '../../../util/system-failure.ts';
import { makeFolder } from '../../../util/make-folder.ts';
import type { FileContent, Objects } from './objects.ts';
import { ObjectMissing } from './store-failure.ts';

/**
 * Brings an object to `file.path`: it is written beside it while it comes in, and renamed when it is whole and has the digest. One
 * that has another comes once more; then it is removed from the store, so that whoever has the file sends it again.
 * @throws ObjectMissing where there is none, or none that is whole
 */
export async function bringFile(objects: Objects, key: string, file: FileContent): Promise<void> {
  makeFolder(dirname(file.path));
  const bring = () => objects.again(() => bringOnce(objects, key, file));
  if ((await bring()) || (await bring())) return;
  await objects.remove(key);
  throw new ObjectMissing(`${key} was damaged: it has another sha256 than its name; it was removed`);
}

/** @returns whether it was what it should be */
async function bringOnce(
  objects: Objects,
  key: string,
  { path, sizeBytes, sha256 }: FileContent,
): Promise<boolean> {
  const body = await objects.open(key);
  const temporary = `${path}.tmp-${randomBytes(4).toString('hex')}`;
  const hash = createHash('sha256');
  let bytes = 0;
  const check = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.length;
      // The disk is not filled with what cannot be the file.
      if (bytes > sizeBytes) done(new TooLong());
      else {
        hash.update(chunk);
        done(null, chunk);
      }
    },
  });
  try {
    await pipeline(body, check, createWriteStream(temporary, { flags: 'wx', flush: true }));
    const isWhole = bytes === sizeBytes && hash.digest('hex') === sha256;
    if (isWhole) await rename(temporary, path);
    return isWhole;
  } catch (error) {
    if (error instanceof TooLong) return false;
    const { syscall } = error as NodeJS.ErrnoException;
    if (syscall === 'write' && (error as NodeJS.ErrnoException).code === 'ENOSPC')
      return refuseWrite(error, path);
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

class TooLong extends Error {}
