import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJsonAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { sha256File, type Sha256 } from '../util/hash.ts';

/**
 * Digests of files, so that a 400 MB checkpoint is read once, not at every start. Kept by path and what tells of any change:
 * size and modification time may be those of another file (rsync -t, tar, images of containers), inode and change time not.
 */
export interface FileDigests {
  /** @throws BlockForgeError `file-missing`. */
  digest(path: string): Promise<Sha256>;
  /** Cheaper: only that it is there. @throws BlockForgeError `file-missing`. */
  require(path: string): Promise<void>;
  /** Writes what was learnt beside the run; losing it costs time only. */
  save(): Promise<void>;
}

interface Entry {
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly sha256: Sha256;
}

/** A file changed this recently could change again without a new time stamp, so its digest is not kept. */
const settledMs = 2000;

/**
 * @param runFolder holds the cache, `.digests.json`; it need not exist yet.
 * @param now the clock, for tests: nothing can make a file look older than it is
 */
export async function openFileDigests(runFolder: string, now = Date.now): Promise<FileDigests> {
  const cachePath = join(runFolder, '.digests.json');
  const kept = await readCache(cachePath);
  const running = new Map<string, Promise<Sha256>>();
  const learnt = new Map<string, Entry>();

  const compute = async (path: string): Promise<Sha256> => {
    const before = await stat(path).catch((error: unknown) => missing(path, error));
    if (!before.isFile()) throw new Error(`${path} is not a file: a job must list the files it depends on`);
    const known = kept.get(path);
    if (known !== undefined && same(known, before)) return known.sha256;
    const sha256 = await sha256File(path);
    const settled = now() - Math.max(before.mtimeMs, before.ctimeMs) > settledMs;
    if (settled && same(before, await stat(path))) {
      const { ino, size, mtimeMs, ctimeMs } = before;
      const entry = { ino, size, mtimeMs, ctimeMs, sha256 };
      kept.set(path, entry);
      learnt.set(path, entry);
    }
    return sha256;
  };

  return {
    digest(path) {
      // Many jobs depend on the same checkpoint: it is read once, not once per job.
      const digest = running.get(path) ?? compute(path).finally(() => running.delete(path));
      running.set(path, digest);
      return digest;
    },
    async require(path) {
      await stat(path).catch((error: unknown) => missing(path, error));
    },
    async save() {
      if (learnt.size === 0) return;
      // Others may have written it meanwhile. Two at once lose what one of them learnt, nothing else.
      const all = new Map([...(await readCache(cachePath)), ...learnt]);
      await writeJsonAtomic(cachePath, Object.fromEntries(all));
      learnt.clear();
    },
  };
}

function same(a: Omit<Entry, 'sha256'>, b: Stats): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs;
}

async function readCache(path: string): Promise<Map<string, Entry>> {
  try {
    return new Map(Object.entries(JSON.parse(await readFile(path, 'utf8')) as Record<string, Entry>));
  } catch {
    return new Map(); // absent or damaged: everything is read again
  }
}

function missing(path: string, error: unknown): never {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  return fail({ reason: 'file-missing', subject: path, found: 'no such file' }, error);
}
