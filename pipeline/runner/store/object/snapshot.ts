import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Sha256 } from '../../../util/hash.ts';
import { tagFile, type StoredFile } from './checkpoint-state.ts';

/** The files of a resume folder as they were at one moment. */
export interface Snapshot {
  readonly files: readonly (StoredFile & { readonly full: string })[];
  dispose(): Promise<void>;
}

interface Seen {
  readonly path: string;
  readonly ino: number;
  readonly sizeBytes: number;
}

const tries = 5;

/**
 * Takes hold of the files of a folder that a job may be writing to. Jobs exchange files there as a whole or append to them
 * (`JobContext.resumeFolder`); so a second name for each file keeps its bytes, and if no name was exchanged while the names were
 * given, all of them are of one moment. Of a file that grows, what was there in the beginning is taken.
 *
 * @param same tells of a state that is saved already: it is not read again
 * @returns undefined where nothing is there, or nothing new, or the job writes without a pause: then another time
 */
export async function takeSnapshot(
  folder: string,
  same: (signature: string) => boolean = () => false,
): Promise<(Snapshot & { readonly signature: string }) | undefined> {
  for (let count = 0; count < tries; count++) {
    const before = await see(folder);
    const signature = before.map(({ path, ino, sizeBytes }) => `${path} ${ino} ${sizeBytes}`).join('\n');
    if (before.length === 0 || same(signature)) return undefined;
    const shadow = `${folder}.tmp-${randomBytes(4).toString('hex')}`;
    const dispose = () => rm(shadow, { recursive: true, force: true });
    try {
      const isWhole = await give(folder, shadow, before);
      if (isWhole && isContinued(before, await see(folder))) {
        const files: (StoredFile & { full: string })[] = [];
        for (const { path, sizeBytes } of before) {
          const full = join(shadow, path);
          files.push({ path, sizeBytes, sha256: await digestOfBeginning(full, sizeBytes), full });
        }
        return { files, signature, dispose };
      }
    } catch (error) {
      await dispose();
      throw error;
    }
    await dispose();
  }
  return undefined;
}

async function see(folder: string, below = ''): Promise<Seen[]> {
  const seen: Seen[] = [];
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(() => []);
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    // A file that is being written by `writeFileAtomic` is none yet.
    if (path === tagFile || /\.tmp-[0-9a-f]{8}$/.test(path)) continue;
    if (entry.isDirectory()) seen.push(...(await see(folder, path)));
    if (!entry.isFile()) continue;
    const found = await lstat(join(folder, path)).catch(() => undefined);
    if (found?.isFile()) seen.push({ path, ino: found.ino, sizeBytes: found.size });
  }
  return seen;
}

/** Second names; copies where the file system has none. @returns false where a file has gone meanwhile */
async function give(folder: string, shadow: string, seen: readonly Seen[]): Promise<boolean> {
  await mkdir(shadow, { recursive: true });
  for (const { path } of seen) {
    const [from, to] = [join(folder, path), join(shadow, path)];
    await mkdir(dirname(to), { recursive: true });
    try {
      await link(from, to).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
        return copyFile(from, to);
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }
  return true;
}

function isContinued(before: readonly Seen[], after: readonly Seen[]): boolean {
  return (
    before.length === after.length &&
    before.every(({ path, ino, sizeBytes }, index) => {
      const now = after[index]!;
      return now.path === path && now.ino === ino && now.sizeBytes >= sizeBytes;
    })
  );
}

async function digestOfBeginning(path: string, sizeBytes: number): Promise<Sha256> {
  const hash = createHash('sha256');
  if (sizeBytes > 0) await pipeline(createReadStream(path, { end: sizeBytes - 1 }), hash);
  return hash.digest('hex') as Sha256;
}
