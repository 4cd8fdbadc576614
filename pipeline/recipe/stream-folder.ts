import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { ChainStore } from './chain.ts';
import { readJson, writeJsonAtomic } from '../util/atomic.ts';
import { makeFolder } from '../util/make-folder.ts';

interface Index {
  readonly key: string;
  readonly levels: number;
  /** Floats of every batch. */
  readonly sizes: readonly number[];
}

const indexFile = 'index.json';
const levelFile = (level: number) => `level-${level}.f32`;

/**
 * Residual streams as files: one per level, little-endian float32, batch after batch, without a header. `now` is read and
 * `next` written; `turn` makes one the other. An index beside the files, written last, says what they hold.
 *
 * What is read is waited for and nothing is done beside, so no other thread is asked: for a small model that takes longer
 * than the reading.
 */
export function streamFolder(root: string): ChainStore {
  const now = join(root, 'now');
  const next = join(root, 'next');
  let sizes: readonly number[] = [];
  let written: number[] = [];
  const handles = new Map<string, number>();

  const handle = (folder: string, level: number, flags: string): number => {
    const path = join(folder, levelFile(level));
    const known = handles.get(path) ?? openSync(path, flags);
    handles.set(path, known);
    return known;
  };
  const closeAll = (): void => {
    const files = [...handles.values()];
    handles.clear();
    for (const file of files) closeSync(file);
  };
  const offset = (list: readonly number[], batch: number): number =>
    4 * list.slice(0, batch).reduce((sum, size) => sum + size, 0);

  return {
    async find(key, levels) {
      const index = await readJson<Index>(join(now, indexFile)).catch(() => undefined);
      if (index?.key !== key || index.levels !== levels) return false;
      const bytes = offset(index.sizes, index.sizes.length);
      for (let level = 0; level < levels; level++) {
        if (sizeOf(() => handle(now, level, 'r')) !== bytes) {
          closeAll();
          return false;
        }
      }
      ({ sizes } = index);
      return true;
    },
    async read(level, batch) {
      // A job that reads and computes is told to stop all the same.
      await setImmediate();
      const file = handle(now, level, 'r');
      const values = new Float32Array(sizes[batch]!);
      const bytes = new Uint8Array(values.buffer);
      for (let done = 0; done < bytes.length;) {
        const bytesRead = readSync(file, bytes, done, bytes.length - done, offset(sizes, batch) + done);
        if (bytesRead === 0) throw new Error(`${join(now, levelFile(level))} ended early`);
        done += bytesRead;
      }
      return values;
    },
    async write(level, batch, values) {
      if (written.length === 0) {
        await rm(next, { recursive: true, force: true });
        makeFolder(next);
      }
      written[batch] = values.length;
      const file = handle(next, level, 'w');
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      // On a disk that is almost full a write may take a part and be content; the next one says so.
      for (let done = 0; done < bytes.length;) {
        const rest = bytes.length - done;
        done += writeSync(file, bytes, done, rest, offset(written, batch) + done);
      }
    },
    async turn(key) {
      const levels = [...handles.keys()].filter((path) => path.startsWith(next)).length;
      closeAll();
      await writeJsonAtomic(join(next, indexFile), { key, levels, sizes: written });
      await rm(now, { recursive: true, force: true });
      await rename(next, now);
      sizes = written;
      written = [];
    },
    async remove() {
      closeAll();
      await rm(root, { recursive: true, force: true });
    },
    close() {
      closeAll();
      return Promise.resolve();
    },
  };
}

/** @returns undefined where there is no such file */
function sizeOf(open: () => number): number | undefined {
  try {
    return fstatSync(open()).size;
  } catch {
    return undefined;
  }
}
