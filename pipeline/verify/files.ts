import type { ManifestFile } from '../library/manifest.ts';
import { inspectFile, type FileProblem } from '../library/listed-file.ts';
import { tally, type Check, type Finding } from './finding.ts';

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
    readonly signal?: AbortSignal;
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
