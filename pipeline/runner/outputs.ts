import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hashJson, sha256File, type Sha256 } from '../util/hash.ts';
import type { FileDigests } from './file-digests.ts';

/** One file a job wrote; `path` is relative to the job's folder, with forward slashes. */
export interface OutputFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** Unlike `mtimeMs` nobody can set it back: equal times of both kinds and an equal size are the same bytes. */
  readonly ctimeMs: number;
  readonly sha256: Sha256;
}

/** Written by the runner, never by a stage. */
export const doneFile = 'done.json';

/** Lists, hashes and flushes to disk all files of `folder`, sorted by path. @throws Error for anything not a plain file. */
export async function collectOutputs(folder: string): Promise<readonly OutputFile[]> {
  const outputs: OutputFile[] = [];
  for (const path of await listFiles(folder, '')) {
    if (path === doneFile) throw new Error(`a stage wrote ${doneFile}, which is the runner's own file`);
    const full = join(folder, path);
    const sha256 = await sha256File(full);
    const handle = await open(full, 'r');
    try {
      await handle.sync();
      const { size, mtimeMs, ctimeMs } = await handle.stat();
      outputs.push({ path, sizeBytes: size, mtimeMs, ctimeMs, sha256 });
    } finally {
      await handle.close();
    }
  }
  return outputs;
}

/** Digest of what was written: names and contents, no times. */
export function digestOutputs(outputs: readonly OutputFile[]): Sha256 {
  return hashJson(outputs.map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 })));
}

/**
 * Whether the files are still the ones that were published: by size and times, and by content only where a time differs (a
 * copied run folder is still good). Files that somebody added are nobody's business.
 * @returns undefined, or what is wrong, for people.
 */
export async function findChangedOutput(
  folder: string,
  outputs: readonly OutputFile[],
  digests: FileDigests,
): Promise<string | undefined> {
  for (const output of outputs) {
    const change = await changeOf(join(folder, output.path), output, (path) => digests.digest(path));
    if (change !== undefined) return `its output ${output.path} ${change}`;
  }
  return undefined;
}

/** @returns whether a plain file with the output's content lies at `full` */
export async function isUnchanged(full: string, output: OutputFile): Promise<boolean> {
  return (await changeOf(full, output, sha256File)) === undefined;
}

/**
 * @param read is asked for the content's digest where size and times do not settle it
 * @param trustTimes false: it is asked whatever the times are
 * @returns undefined, or what happened to the file
 */
export async function changeOf(
  full: string,
  { sizeBytes, mtimeMs, ctimeMs, sha256 }: OutputFile,
  read: (path: string) => Promise<Sha256>,
  trustTimes = true,
): Promise<string | undefined> {
  const found = await lstat(full).catch(() => undefined);
  if (found === undefined) return 'is gone';
  if (found.isFile() && found.size === sizeBytes) {
    if (trustTimes && found.mtimeMs === mtimeMs && found.ctimeMs === ctimeMs) return undefined;
    if ((await read(full)) === sha256) return undefined;
  }
  return 'was changed';
}

async function listFiles(folder: string, prefix: string): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) paths.push(...(await listFiles(folder, path)));
    else if (entry.isFile()) paths.push(path);
    else throw new Error(`${join(folder, path)} is neither a file nor a folder`);
  }
  return paths.sort();
}
