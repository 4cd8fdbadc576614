import type { Dirent } from 'node:fs';
import { opendir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { filesOf, type Library } from '../library/open.ts';
import { sha256File } from '../util/hash.ts';
import type { Note } from './finding.ts';

const ownFiles = ['manifest.json', 'manifest.schema.json', 'README.md'];
const maxEntries = 100_000;
const maxJsonBytes = 16 * 2 ** 20;

/**
 * Files in a library's folder that the manifest does not vouch for: nobody can say whether they are whole. `profiles/` is
 * known; its JSON is looked at as far as it says which library it was made from. `models/` is left out.
 */
export async function findUnlisted({ folder, manifest }: Library): Promise<Note[]> {
  const listed = new Set([...ownFiles, ...filesOf(manifest).map(({ path }) => path)]);
  let manifestSha256: string | undefined;
  return unlistedNotes(folder, listed, {
    leaveOut: 'models',
    async noteOf(path, entry) {
      if (!path.startsWith('profiles/')) return notListed;
      if (!entry.isFile() || !path.endsWith('.json')) return undefined;
      manifestSha256 ??= await sha256File(join(folder, 'manifest.json'));
      return additionNote(join(folder, path), manifestSha256);
    },
  });
}

export const notListed = 'not in the manifest';

/**
 * A note on every file below `folder` that is not `listed`. Follows no links.
 * @param leaveOut a folder in it that is not looked into
 * @param noteOf what there is to say of it, if anything
 */
export async function unlistedNotes(
  folder: string,
  listed: ReadonlySet<string>,
  {
    leaveOut,
    noteOf = () => notListed,
  }: {
    readonly leaveOut?: string;
    readonly noteOf?: (path: string, entry: Dirent) => string | undefined | Promise<string | undefined>;
  } = {},
): Promise<Note[]> {
  const notes: Note[] = [];
  let entries = 0;
  for await (const { path, entry } of walk(folder, '', leaveOut)) {
    if (++entries > maxEntries) {
      notes.push({ file: '.', note: `more than ${maxEntries} files: the rest was not looked at` });
      break;
    }
    if (listed.has(path)) continue;
    const note = await noteOf(path, entry);
    if (note !== undefined) notes.push({ file: path, note });
  }
  return notes.sort((a, b) => (a.file < b.file ? -1 : 1));
}

async function* walk(
  folder: string,
  below: string,
  leaveOut?: string,
): AsyncGenerator<{ path: string; entry: Dirent }> {
  for await (const entry of await opendir(join(folder, below))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (!entry.isDirectory()) yield { path, entry };
    else if (path !== leaveOut) yield* walk(folder, path);
  }
}

async function additionNote(path: string, manifestSha256: string): Promise<string | undefined> {
  if ((await stat(path)).size > maxJsonBytes) return 'too large to be looked at';
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return 'not JSON';
  }
  const owner = (value as { manifestSha256?: unknown } | null)?.manifestSha256;
  return owner === undefined || owner === manifestSha256
    ? undefined
    : 'made from another manifest than this one';
}
