import { dirname } from 'node:path';
import type { Manifest, ManifestFile } from './manifest.ts';
import { filesOf, openLibrary } from './open.ts';
import { findManifest, inspectManifest } from './read-manifest.ts';
import { inspectFile, type FileProblem } from './verify-file.ts';
import { checkNames, tally, type Check, type Finding } from './verify-finding.ts';
import { verifyKeptUnits, verifyRanking } from './verify-tables.ts';
import { findUnlisted, type Note } from './verify-unlisted.ts';
import { verifyWeights } from './verify-weights.ts';

export type { Check, CheckName, Finding } from './verify-finding.ts';
export type { Note } from './verify-unlisted.ts';

export interface Verification {
  readonly folder: string;
  /** Absent where it cannot be trusted: then nothing else was looked at. */
  readonly manifest?: Manifest;
  readonly checks: readonly Check[];
  /** Everything that is wrong; empty for a library that is whole. */
  readonly findings: readonly Finding[];
  readonly notes: readonly Note[];
}

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly fraction: number; readonly note: string }) => void;
}

/**
 * Everything about a library that can be checked without data and without an engine, and everything that is wrong
 * instead of the first: the manifest's schema and references; every file's place, size and hash; every tensor's shape
 * and that it is finite; every descendant's outputs for the self-test's input; kept units; the ranking's tables. Reads
 * every file once or twice, as streams or one descendant at a time.
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
  const manifest = await inspectManifest(manifestPath);
  const manifestCheck = tally('manifest', findings);
  if (Array.isArray(manifest)) {
    manifestCheck.find(
      ...manifest.map(({ found, expected }): Finding => ({
        check: 'manifest',
        file: 'manifest.json',
        found,
        ...(expected !== undefined && { expected }),
      })),
    );
    return { folder, checks: [manifestCheck.result()], findings, notes: [] };
  }
  manifestCheck.pass();

  const { checks, damaged } = await verifyFiles(folder, filesOf(manifest), findings, {
    ...(signal && { signal }),
    onFile: (done, total, name) => onProgress?.({ fraction: (0.5 * done) / total, note: name }),
  });
  const library = await openLibrary(manifestPath, { check: 'none' });
  const weightChecks = await verifyWeights(library, damaged, findings, {
    ...(signal && { signal }),
    onDescendant: (done, total) =>
      onProgress?.({ fraction: 0.5 + (0.5 * done) / total, note: `self-test ${done}/${total}` }),
  });
  const tables = [
    await verifyKeptUnits(library, damaged, findings),
    await verifyRanking(library, damaged, findings),
  ];
  return {
    folder,
    manifest,
    checks: [manifestCheck.result(), ...checks, ...weightChecks, ...tables].sort(
      (a, b) => checkNames.indexOf(a.name) - checkNames.indexOf(b.name),
    ),
    findings,
    notes: await findUnlisted(library),
  };
}

async function verifyFiles(
  folder: string,
  files: readonly ManifestFile[],
  findings: Finding[],
  { signal, onFile }: { signal?: AbortSignal; onFile: (done: number, total: number, name: string) => void },
): Promise<{ checks: Check[]; damaged: ReadonlySet<string> }> {
  const present = tally('files', findings);
  const hashed = tally('hashes', findings);
  const damaged = new Set<string>();
  for (const [index, file] of files.entries()) {
    signal?.throwIfAborted();
    onFile(index, files.length, file.path);
    const problem = await inspectFile(folder, file, true);
    if (problem === undefined) {
      present.pass();
      hashed.pass();
      continue;
    }
    damaged.add(file.path);
    const check = problem.kind === 'content' ? 'hashes' : 'files';
    const swapped = await contentOf(folder, file, problem, files);
    const found = swapped === undefined ? problem.found : `${problem.found}: it holds ${swapped}`;
    const finding: Finding = { check, file: file.path, found, expected: problem.expected };
    if (check === 'hashes') {
      present.pass();
      hashed.find(finding);
    } else {
      present.find(finding);
      hashed.skip();
    }
  }
  return { checks: [present.result(), hashed.result()], damaged };
}

/** Another file of the library that lies under this name: two files were exchanged, or one copied over the other. */
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
