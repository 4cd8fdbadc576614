import { dirname, join } from 'node:path';
import { lstat, readdir } from 'node:fs/promises';
import { manifestJsonSchema, type Manifest } from '../library/manifest.ts';
import { filesOf, openLibrary, findManifest, manifestKind, type Library } from '../library/open.ts';
import { libraryReadme } from '../library/readme.ts';
import { setAsideName } from '../runner/user-files.ts';
import { compositionFile, findModel } from '../compose/open-model.ts';
import { verifyDescriptions, verifyDocument, verifyFiles, findUnlisted, notListed } from './files.ts';
import {
  checkNames,
  tally,
  type Finding,
  type Verified,
  type VerifyOptions,
  type Check,
  type Note,
} from './finding.ts';
import { verifyLibraryGraphs } from './library-graphs.ts';
import { verifyKeptUnits, verifyRanking } from './tables.ts';
import { verifyWeights } from './weights.ts';
import { ownerProblems, verifyModel } from './model.ts';

export type { Check, CheckName, Finding, Note } from './finding.ts';

export interface Verification extends Verified<Manifest> {
  readonly kind: 'library';
}

/**
 * Everything about a library that can be checked without data and without an engine, and everything that is wrong
 * instead of the first: the manifest's schema and references; every file's place, size and hash; every tensor's shape
 * and that it is finite; every descendant's outputs for the self-test's input; every graph; kept units; the ranking's tables; and every
 * folder under `models/`, as `verifyModel` does. Reads every file once or twice, as streams or one descendant at a time.
 *
 * @param path the library folder, its manifest.json, or a run folder that holds `library/`
 * @throws BlockForgeError `file-missing`, `library-invalid` where there is no manifest to begin with
 */
export async function verifyLibrary(
  path: string,
  { signal, onProgress }: VerifyOptions = {},
): Promise<Verification> {
  const manifestPath = await findManifest(path);
  const folder = dirname(manifestPath);
  const findings: Finding[] = [];
  const { value: manifest, check } = await verifyDocument(manifestPath, manifestKind, findings);
  if (manifest === undefined) return { kind: 'library', folder, checks: [check], findings, notes: [] };

  const { checks, damaged } = await verifyFiles(folder, filesOf(manifest), findings, {
    signal,
    onFile: (done, total, name) => onProgress?.({ fraction: (0.4 * done) / total, note: name }),
  });
  const library = await openLibrary(manifestPath, { check: 'none' });
  const weightChecks = await verifyWeights(library, damaged, findings, {
    signal,
    onDescendant: (done, total) =>
      onProgress?.({ fraction: 0.4 + (0.3 * done) / total, note: `self-test ${done}/${total}` }),
  });
  const graphs = await verifyLibraryGraphs(library, damaged, findings, signal);
  const tables = [
    await verifyKeptUnits(library, damaged, findings),
    await verifyRanking(library, damaged, findings),
  ];
  const models = await verifyModels(library, findings, {
    signal,
    onProgress: ({ fraction, note }) => onProgress?.({ fraction: 0.7 + 0.3 * fraction, note }),
  });
  const described = await verifyDescriptions(
    folder,
    manifest.tool.version,
    {
      schemaFile: 'manifest.schema.json',
      schema: manifestJsonSchema,
      readme: () => libraryReadme(manifest),
    },
    check,
    findings,
  );
  const unlisted = await findUnlisted(library, filesOf(manifest), ['models', setAsideName]);
  onProgress?.({ fraction: 1, note: 'done' });
  return {
    kind: 'library',
    folder,
    manifest,
    checks: [described.check, ...checks, ...weightChecks, ...graphs, ...tables, ...models.checks].sort(
      (a, b) => checkNames.indexOf(a.name) - checkNames.indexOf(b.name),
    ),
    findings,
    notes: [...described.notes, ...unlisted, ...models.notes],
  };
}

/** What `compose` leaves where it is stopped in the middle. */
const unfinished = /\.tmp-[0-9a-f]{8}(-old)?$/;

/**
 * Every folder under `models/`: whole in itself, and of the library's own weights, whichever export it was made from.
 * @returns no check where there are none
 */
export async function verifyModels(
  library: Library,
  findings: Finding[],
  { signal, onProgress }: VerifyOptions = {},
): Promise<{ readonly checks: readonly Check[]; readonly notes: readonly Note[] }> {
  const check = tally('models', findings);
  const notes: Note[] = [];
  const entries = await modelEntries(library.folder);
  for (const [index, entry] of entries.entries()) {
    signal?.throwIfAborted();
    const below = `models/${entry.name}`;
    if (!entry.isDirectory()) {
      notes.push({ file: below, note: entry.isSymbolicLink() ? 'a link, not followed' : notListed });
      continue;
    }
    if (unfinished.test(entry.name)) {
      notes.push({ file: below, note: 'left by a command that was stopped; it can be deleted' });
      continue;
    }
    const path = await findModel(join(library.folder, below));
    if (path === undefined) {
      const found = `no ${compositionFile}`;
      check.find({ file: below, found, expected: 'a model folder, as compose writes it' });
      continue;
    }
    const model = await verifyModel(path, {
      signal,
      onProgress: ({ fraction, note }) =>
        onProgress?.({ fraction: (index + fraction) / entries.length, note: `${below}: ${note}` }),
    });
    const wrong = [
      ...model.findings,
      ...(model.manifest === undefined ? [] : ownerProblems(library, model.manifest)),
    ];
    const owner = model.manifest?.library.manifestSha256;
    if (owner !== undefined && owner !== library.manifestSha256)
      notes.push({ file: below, note: `made from another export: manifest ${owner.slice(0, 12)}...` });
    if (wrong.length === 0) check.pass();
    else
      check.find(
        ...wrong.map(({ file, found, expected }) => ({
          file: `${below}/${file}`,
          found,
          ...(expected !== undefined && { expected }),
        })),
      );
    notes.push(...model.notes.map(({ file, note }) => ({ file: `${below}/${file}`, note })));
  }
  const result = check.result();
  return { checks: result.of === 0 ? [] : [result], notes };
}

/** In their order. A `models` that is a link is none of this library. */
async function modelEntries(folder: string) {
  const models = join(folder, 'models');
  const found = await lstat(models).catch(() => undefined);
  if (!found?.isDirectory()) return [];
  const entries = await readdir(models, { withFileTypes: true });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}
