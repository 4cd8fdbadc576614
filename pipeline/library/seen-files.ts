import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, statSync, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { insideFolder } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { openFlags } from '../util/plain-file.ts';
import type { ManifestFile } from './manifest.ts';

/**
 * The files of an opened library as they were when it was looked at. A library may be exported again, or copied over,
 * under a program that has it open: what is read then must be what the manifest in hand says, not what lies there now.
 */
export interface SeenFiles {
  /** Remembers the file as it is; call it before its content is checked. */
  note(file: ManifestFile): Promise<void>;
  /** What `read` gives of a file that is what it was. Blocks. @throws BlockForgeError `library-invalid`, and what `read` throws */
  readSync<T>(file: ManifestFile, read: (path: string) => T): T;
  read<T>(file: ManifestFile, read: (path: string) => Promise<T>): Promise<T>;
}

/** @param next what to do about a file that is another one now */
export function seenFiles(folder: string, next: string): SeenFiles {
  const seen = new Map<string, string>();
  const refuse = (file: ManifestFile): never =>
    fail({
      reason: 'library-invalid',
      subject: insideFolder(folder, file.path),
      found: 'it has changed since the library was opened',
      expected: `sha256 ${file.sha256}, as the manifest said then`,
      next,
    });
  /** Other times or another place of the same bytes (a hard link made, a library copied again) change nothing. */
  const settle = (file: ManifestFile, path: string): string | undefined => {
    const before = seen.get(file.path);
    if (before === undefined) return undefined;
    const now = stampSync(path);
    // Gone: the reader says so.
    if (now === undefined || now === before) return now;
    if (hashSync(path) !== file.sha256 || stampSync(path) !== now) refuse(file);
    seen.set(file.path, now);
    return now;
  };
  /** A change while it was read. */
  const confirm = (file: ManifestFile, path: string, stamp: string | undefined): void => {
    if (stamp !== undefined && stampSync(path) !== stamp) refuse(file);
  };
  return {
    async note(file) {
      const found = await stat(insideFolder(folder, file.path), { bigint: true }).catch(() => undefined);
      if (found !== undefined) seen.set(file.path, stampOf(found));
    },
    readSync(file, read) {
      const path = insideFolder(folder, file.path);
      const stamp = settle(file, path);
      const value = read(path);
      confirm(file, path, stamp);
      return value;
    },
    async read(file, read) {
      const path = insideFolder(folder, file.path);
      const stamp = settle(file, path);
      const value = await read(path);
      confirm(file, path, stamp);
      return value;
    },
  };
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}

function stampSync(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : stampOf(found);
}

function hashSync(path: string): string {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(1 << 20);
  const file = openSync(path, openFlags);
  try {
    for (let read = 1; read > 0;) {
      read = readSync(file, buffer, 0, buffer.length, null);
      hash.update(buffer.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
  return hash.digest('hex');
}
