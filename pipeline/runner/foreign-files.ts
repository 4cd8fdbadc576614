import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sha256 } from '../util/hash.ts';
import { changeOf, type OutputFile } from './outputs.ts';
import { unplaced } from './publish.ts';
import { leadsToFolder, setAsideName } from './user-files.ts';

/** Something in a handed-on folder that the runner did not write. */
export interface ForeignFile {
  /** Below the folder; empty for itself. */
  readonly path: string;
  /** How many files lie in it, where it is a folder. */
  readonly files?: number | undefined;
  /** Why it will be set aside where a new file has its name; what else does not fit, the job itself finds out. */
  readonly setAside?: string | undefined;
}

/**
 * All that lies in `folder` and is not the runner's, sorted: single files, and folders as one, the top ones (`models/`)
 * by what is in them. Follows no link but `folder` itself.
 * @param read is asked for the content of the runner's files whose times differ
 */
export async function listForeign(
  folder: string,
  outputs: readonly OutputFile[],
  read: (path: string) => Promise<Sha256>,
): Promise<ForeignFile[]> {
  if (!(await leadsToFolder(folder))) {
    const found = await lstat(folder).catch(() => undefined);
    return found === undefined ? [] : [{ path: '', setAside: 'it is no folder' }];
  }
  const own = new Map(outputs.map((output) => [output.path, output]));
  const ownFolders = new Set(
    outputs.flatMap(({ path }) =>
      path
        .split('/')
        .slice(0, -1)
        .map((_, i, parts) => parts.slice(0, i + 1).join('/')),
    ),
  );
  const foreign: ForeignFile[] = [];
  const look = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true }).catch(() => [])) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (path === setAsideName || unplaced.test(path)) continue;
      const isFolder = entry.isDirectory();
      const output = own.get(path);
      if (isFolder && (ownFolders.has(path) || (below === '' && output === undefined))) {
        await look(path);
        continue;
      }
      const isTaken = output !== undefined || ownFolders.has(path);
      if (output !== undefined && (await changeOf(join(folder, path), output, read)) === undefined) continue;
      foreign.push({
        path,
        ...(isFolder && { files: await countFiles(join(folder, path)) }),
        ...(isTaken && { setAside: 'it was put or changed here' }),
      });
    }
  };
  await look('');
  return foreign.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function countFiles(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  let count = 0;
  for (const entry of entries) count += entry.isDirectory() ? await countFiles(join(folder, entry.name)) : 1;
  return count;
}
