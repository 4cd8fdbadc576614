import { dirname } from 'node:path';
import type { Manifest } from '../library/manifest.ts';
import { filesOf, openLibrary } from '../library/open.ts';
import { findManifest, manifestKind } from '../library/read-manifest.ts';
import { verifyDocument } from './document.ts';
import { verifyFiles } from './files.ts';
import { checkNames, type Finding, type Verified, type VerifyOptions } from './finding.ts';
import { verifyKeptUnits, verifyRanking } from './tables.ts';
import { verifyModels } from './models.ts';
import { findUnlisted } from './unlisted.ts';
import { verifyWeights } from './weights.ts';

export type { Check, CheckName, Finding, Note } from './finding.ts';

export interface Verification extends Verified<Manifest> {
  readonly kind: 'library';
}

/**
 * Everything about a library that can be checked without data and without an engine, and everything that is wrong
 * instead of the first: the manifest's schema and references; every file's place, size and hash; every tensor's shape
 * and that it is finite; every descendant's outputs for the self-test's input; kept units; the ranking's tables; and every
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
    ...(signal && { signal }),
    onFile: (done, total, name) => onProgress?.({ fraction: (0.4 * done) / total, note: name }),
  });
  const library = await openLibrary(manifestPath, { check: 'none' });
  const weightChecks = await verifyWeights(library, damaged, findings, {
    ...(signal && { signal }),
    onDescendant: (done, total) =>
      onProgress?.({ fraction: 0.4 + (0.3 * done) / total, note: `self-test ${done}/${total}` }),
  });
  const tables = [
    await verifyKeptUnits(library, damaged, findings),
    await verifyRanking(library, damaged, findings),
  ];
  const models = await verifyModels(library, findings, {
    ...(signal && { signal }),
    onProgress: ({ fraction, note }) => onProgress?.({ fraction: 0.7 + 0.3 * fraction, note }),
  });
  onProgress?.({ fraction: 1, note: 'done' });
  return {
    kind: 'library',
    folder,
    manifest,
    checks: [check, ...checks, ...weightChecks, ...tables, ...models.checks].sort(
      (a, b) => checkNames.indexOf(a.name) - checkNames.indexOf(b.name),
    ),
    findings,
    notes: [...(await findUnlisted(library)), ...models.notes],
  };
}
