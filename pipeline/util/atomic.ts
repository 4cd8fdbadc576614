import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { fail } from './failure.ts';
import { makeFolder } from './make-folder.ts';
import { outputPlace, writeStream } from './output-place.ts';
import { readPlainFile } from './plain-file.ts';
import { refuseWrite } from './system-failure.ts';

/**
 * Writes beside the target, flushes to disk, renames: a crash leaves the old file or the new one, never a half. Where the
 * path is a link, that is done where it leads; into a pipe or a device it is written as it comes.
 * @throws BlockForgeError `place-unusable`, `out-of-space`
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array>,
): Promise<void> {
  makeFolder(dirname(path));
  const place = await outputPlace(path).catch((error: unknown) => refuseWrite(error, path));
  if (place.kind === 'stream')
    return writeStream(path, content).catch((error: unknown) => refuseWrite(error, path));
  const target = place.path;
  const temporary = `${target}.tmp-${randomBytes(4).toString('hex')}`;
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    return refuseWrite(error, target);
  }
}

export async function writeJsonAtomic(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** @throws BlockForgeError `file-missing` or `file-invalid`, naming the path. */
export async function readJson<T>(path: string): Promise<T> {
  let text: string;
  try {
    text = (await readPlainFile(path)).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return fail({ reason: 'file-missing', subject: path, found: 'no such file' }, error);
  }
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    return fail(
      { reason: 'file-invalid', subject: path, found: `not JSON (${(error as Error).message})` },
      error,
    );
  }
}

/** Resolves `path` inside `folder`. @throws BlockForgeError `file-invalid` where it would leave the folder. */
export function insideFolder(folder: string, path: string): string {
  const full = resolve(folder, path);
  const fromFolder = relative(resolve(folder), full);
  if (isAbsolute(path) || fromFolder === '..' || fromFolder.startsWith(`..${sep}`)) {
    fail({
      reason: 'file-invalid',
      subject: path,
      found: 'the path leaves its folder',
      expected: `a path inside ${folder}`,
    });
  }
  return full;
}
