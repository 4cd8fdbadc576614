import { basename, join } from 'node:path';
import type { Dirent } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import type { ManifestFile } from '../library/manifest.ts';
import { inspectFile, type FileProblem } from '../library/listed-file.ts';
import { inspectDocument, type DocumentKind } from '../library/document.ts';
import { toolVersion } from '../util/package.ts';
import { readPlainFile } from '../util/plain-file.ts';
import { tally, type Check, type Finding, type Note } from './finding.ts';

/**
 * Every file a manifest vouches for: there, inside the folder, of its size and with its content.
 * @returns the checks `files` and `hashes`, and the paths of what is damaged
 */
export async function verifyFiles(
  folder: string,
  files: readonly ManifestFile[],
  findings: Finding[],
  {
    signal,
    onFile,
  }: {
    readonly signal?: AbortSignal | undefined;
    readonly onFile?: (done: number, total: number, name: string) => void;
  } = {},
): Promise<{ checks: Check[]; damaged: ReadonlySet<string> }> {
  const present = tally('files', findings);
  const hashed = tally('hashes', findings);
  const damaged = new Set<string>();
  for (const [index, file] of files.entries()) {
    signal?.throwIfAborted();
    onFile?.(index, files.length, file.path);
    const problem = await inspectFile(folder, file, true);
    if (problem === undefined) {
      present.pass();
      hashed.pass();
      continue;
    }
    damaged.add(file.path);
    const swapped = await contentOf(folder, file, problem, files);
    const found = swapped === undefined ? problem.found : `${problem.found}: it holds ${swapped}`;
    const wrong = { file: file.path, found, expected: problem.expected };
    if (problem.kind === 'content') {
      present.pass();
      hashed.find(wrong);
    } else {
      present.find(wrong);
      hashed.skip();
    }
  }
  return { checks: [present.result(), hashed.result()], damaged };
}

/** Another file of the folder that lies under this name: two files were exchanged, or one copied over the other. */
async function contentOf(
  folder: string,
  file: ManifestFile,
  { sizeBytes, sha256 }: FileProblem,
  files: readonly ManifestFile[],
): Promise<string | undefined> {
  for (const other of files) {
    if (other.path === file.path || other.sizeBytes !== sizeBytes) continue;
    if (sha256 === undefined) {
      // Its size was wrong, so it was not read: is it the other one, whole?
      const asOther = await inspectFile(folder, { ...other, path: file.path }, true);
      if (asOther === undefined) return other.path;
    } else if (other.sha256 === sha256) return other.path;
  }
  return undefined;
}

/**
 * The check `manifest`: everything that is wrong with a manifest as findings.
 * @returns its value where it can be trusted
 */
export async function verifyDocument<T>(
  path: string,
  kind: DocumentKind<T>,
  findings: Finding[],
): Promise<{ readonly value?: T; readonly check: Check }> {
  const check = tally('manifest', findings);
  const read = await inspectDocument(path, kind);
  if ('value' in read) {
    check.pass();
    return { value: read.value, check: check.result() };
  }
  check.find(
    ...read.problems.map(({ found, expected }) => ({
      file: basename(path),
      found,
      ...(expected !== undefined && { expected }),
    })),
  );
  return { check: check.result() };
}

const ownFiles = ['manifest.json', 'manifest.schema.json', 'README.md'];
const maxEntries = 100_000;
const maxJsonBytes = 16 * 2 ** 20;

/**
 * Files in a folder that its manifest does not vouch for: nobody can say whether they are whole. `profiles/` is known; its JSON
 * is looked at as far as it says which manifest it was made from.
 * @param leaveOut folders in it that are not looked into
 */
export async function findUnlisted(
  { folder, manifestSha256 }: { readonly folder: string; readonly manifestSha256: string },
  files: readonly ManifestFile[],
  leaveOut: readonly string[] = [],
): Promise<Note[]> {
  const listed = new Set([...ownFiles, ...files.map(({ path }) => path)]);
  return unlistedNotes(folder, listed, {
    leaveOut,
    noteOf(path, entry) {
      if (!path.startsWith('profiles/')) return notListed;
      if (!entry.isFile() || !path.endsWith('.json')) return undefined;
      return additionNote(join(folder, path), manifestSha256);
    },
  });
}

/** The two files that no hash vouches for: what they hold follows from the manifest. */
export interface Descriptions {
  readonly schemaFile: string;
  readonly schema: () => Record<string, unknown>;
  readonly readme: () => string;
}

/**
 * `descriptions` compared with what is there, where this is the version that made them.
 * @param check of the manifest: what differs in its schema is found there
 */
export async function verifyDescriptions(
  folder: string,
  madeBy: string,
  { schemaFile, schema: makeSchema, readme: makeReadme }: Descriptions,
  check: Check,
  findings: Finding[],
): Promise<{ readonly check: Check; readonly notes: readonly Note[] }> {
  const isOurs = madeBy === (await toolVersion());
  const problem = async (name: string, make: () => string): Promise<string | undefined> => {
    const found = await readPlainFile(join(folder, name), maxJsonBytes).catch(() => undefined);
    if (found === undefined) return 'it is not there, or no plain file';
    if (!isOurs) return undefined;
    try {
      if (found.equals(Buffer.from(make()))) return undefined;
    } catch {
      // A manifest that is as the schema wants it, of numbers that nothing can be written about.
    }
    return 'not what this version makes of the manifest';
  };
  const schema = await problem(schemaFile, () => `${JSON.stringify(makeSchema(), null, 2)}\n`);
  const readme = await problem('README.md', makeReadme);
  if (schema !== undefined)
    findings.push({
      check: 'manifest',
      file: schemaFile,
      found: schema,
      expected: 'the schema as it was exported',
    });
  return {
    check: schema === undefined ? check : { ...check, of: check.of + 1 },
    notes: readme === undefined ? [] : [{ file: 'README.md', note: readme }],
  };
}

export const notListed = 'not in the manifest';

/**
 * A note on every file below `folder` that is not `listed`. Follows no links.
 * @param leaveOut folders in it that are not looked into
 * @param noteOf what there is to say of it, if anything
 */
export async function unlistedNotes(
  folder: string,
  listed: ReadonlySet<string>,
  {
    leaveOut = [],
    noteOf = () => notListed,
  }: {
    readonly leaveOut?: readonly string[];
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
  leaveOut: readonly string[],
): AsyncGenerator<{ path: string; entry: Dirent }> {
  for await (const entry of await opendir(join(folder, below))) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (!entry.isDirectory()) yield { path, entry };
    else if (!leaveOut.includes(path)) yield* walk(folder, path, leaveOut);
  }
}

async function additionNote(path: string, manifestSha256: string): Promise<string | undefined> {
  if ((await stat(path)).size > maxJsonBytes) return 'too large to be looked at';
  let value: unknown;
  try {
    value = JSON.parse((await readPlainFile(path, maxJsonBytes)).toString('utf8'));
  } catch {
    return 'not JSON';
  }
  const owner = (value as { manifestSha256?: unknown } | null)?.manifestSha256;
  return owner === undefined || owner === manifestSha256
    ? undefined
    : 'made from another manifest than this one';
}
