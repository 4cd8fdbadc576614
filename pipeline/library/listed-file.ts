import { realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { insideFolder, writeFileAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { sha256File } from '../util/hash.ts';
import type { ManifestFile } from './manifest.ts';

/** The entry of a manifest for a file of `folder`. */
export async function describeFile(folder: string, path: string): Promise<ManifestFile> {
  const full = join(folder, path);
  return { path, sizeBytes: (await stat(full)).size, sha256: await sha256File(full) };
}

/** Writes a file of `folder`. @returns its entry */
export async function publishFile(
  folder: string,
  path: string,
  content: string | Uint8Array,
): Promise<ManifestFile> {
  await writeFileAtomic(join(folder, path), content);
  return describeFile(folder, path);
}

/** What is wrong with a file that the manifest vouches for. */
export interface FileProblem {
  readonly kind: 'missing' | 'outside' | 'size' | 'content' | 'unreadable';
  readonly found: string;
  readonly expected: string;
  /** Size and content of the file that is there, where they were looked at. */
  readonly sizeBytes?: number;
  readonly sha256?: string;
}

/**
 * Looks at one file of a library or a model: it is there, it is a file and lies in the folder (links included), it has its size
 * and, with `hash`, its content. Reads it as a stream. @returns undefined where all holds
 */
export async function inspectFile(
  folder: string,
  file: ManifestFile,
  hash: boolean,
): Promise<FileProblem | undefined> {
  const full = insideFolder(folder, file.path);
  try {
    const found = await stat(full).catch(() => undefined);
    if (found === undefined || !found.isFile()) {
      return { kind: 'missing', found: 'no such file', expected: 'a file the manifest names' };
    }
    const real = relative(await realpath(folder), await realpath(full));
    if (real === '..' || real.startsWith(`..${sep}`)) {
      return {
        kind: 'outside',
        found: 'a link that leaves the folder',
        expected: 'a file inside it',
      };
    }
    const { size: sizeBytes } = found;
    if (sizeBytes !== file.sizeBytes) {
      const expected = `${file.sizeBytes} bytes`;
      return { kind: 'size', found: `${sizeBytes} bytes`, expected, sizeBytes };
    }
    if (!hash) return undefined;
    const sha256 = await sha256File(full);
    if (sha256 === file.sha256) return undefined;
    const expected = `sha256 ${file.sha256}`;
    return { kind: 'content', found: 'its content has changed', expected, sizeBytes, sha256 };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return { kind: 'unreadable', found: `it cannot be read (${code})`, expected: 'a readable file' };
  }
}

/** @throws BlockForgeError `library-invalid` with what `inspectFile` finds */
export async function requireFile(
  folder: string,
  file: ManifestFile,
  { hash, next }: { readonly hash: boolean; readonly next: string },
): Promise<void> {
  const problem = await inspectFile(folder, file, hash);
  if (problem === undefined) return;
  const { found, expected } = problem;
  fail({ reason: 'library-invalid', subject: join(folder, file.path), found, expected, next });
}
