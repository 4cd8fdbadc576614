import type { Dirent } from 'node:fs';
import { opendir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { filesOf, type Library } from './open.ts';
import { sha256File } from '../util/hash.ts';

/** Something to know that is no damage. */
export interface Note {
  readonly file: string;
  readonly note: string;
}

const ownFiles = ['manifest.json', 'manifest.schema.json', 'README.md'];
/** Made from a library and put into it later, each with a description of its own. */
const additions = ['models', 'profiles'];
const maxEntries = 100_000;
const maxJsonBytes = 16 * 2 ** 20;

/**
 * Files in the folder that the manifest does not vouch for: nobody can say whether they are whole. `models/` and
 * `profiles/` are known; their JSON is looked at as far as it says which library it was made from. Follows no links.
 */
export async function findUnlisted({ folder, manifest }: Library): Promise<Note[]> {
  const listed = new Set([...ownFiles, ...filesOf(manifest).map(({ path }) => path)]);
  const notes: Note[] = [];
  let manifestSha256: string | undefined;
  let entries = 0;
  for await (const { path, entry } of walk(folder, '')) {
    if (++entries > maxEntries) {
      notes.push({ file: '.', note: `more than ${maxEntries} files: the rest was not looked at` });
      break;
    }
    if (listed.has(path)) continue;
    if (!additions.includes(path.split('/')[0])) notes.push({ file: path, note: 'not in the manifest' });
    else if (entry.isFile() && path.endsWith('.json')) {
      manifestSha256 ??= await sha256File(join(folder, 'manifest.json'));
      const note = await additionNote(join(folder, path), manifestSha256);
      if (note !== undefined) notes.push({ file: path, note });
    }
  }
  return notes.sort((a, b) => (a.file < b.file ? -1 : 1));
}

async function* walk(folder: string, below: string): AsyncGenerator<{ path: string; entry: Dirent }> {
  for await (const entry of await opendir(join(folder, below))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(folder, path);
    else yield { path, entry };
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
