import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { insideFolder } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { sha256File, type Sha256 } from '../util/hash.ts';
import { readBoundedJson, readDocument, type DocumentKind } from '../library/document.ts';
import { requireFile } from '../library/listed-file.ts';
import type { ManifestFile } from '../library/manifest.ts';
import type { OpenOptions } from '../library/open.ts';
import { seenFiles, type SeenFiles } from '../library/seen-files.ts';
import { deploymentFile } from './deployment-manifest.ts';

/** A folder with a manifest, opened: what devices, coordinators and deployments have in common. */
export interface OpenPackage<M> {
  readonly folder: string;
  readonly manifest: M;
  /** Of the manifest's file: what others name this package by. */
  readonly manifestSha256: Sha256;
  /** Absolute path of a file of the manifest, proved to lie inside the folder. */
  readonly pathOf: (file: ManifestFile) => string;
  /** Reads a file that is still what it was when the package was opened. */
  readonly files: Pick<SeenFiles, 'read' | 'readSync'>;
}

const kinds = {
  'blockforge-deployment': 'deployment',
  'blockforge-device': 'device',
  'blockforge-coordinator': 'coordinator',
} as const;

export type PackageKind = (typeof kinds)[keyof typeof kinds];

/**
 * What of a deployment lies at a path, by what its manifest calls itself; whether it is sound is not looked at.
 * @param path a folder, or the file of its manifest
 * @returns undefined where it is something else, or nothing
 */
export async function findPackage(
  path: string,
): Promise<{ readonly kind: PackageKind; readonly manifestPath: string } | undefined> {
  const isJson = basename(path).endsWith('.json');
  for (const name of isJson ? [path] : [join(path, deploymentFile), join(path, 'manifest.json')]) {
    if (!(await stat(name).catch(() => undefined))?.isFile()) continue;
    const read = await readBoundedJson(name);
    const kind = 'value' in read ? (read.value as { kind?: unknown } | null)?.kind : undefined;
    if (typeof kind === 'string' && Object.hasOwn(kinds, kind))
      return { kind: kinds[kind as keyof typeof kinds], manifestPath: name };
    // A deployment's name is nobody else's, so it is one even where it cannot be read.
    if (basename(name) === deploymentFile) return { kind: 'deployment', manifestPath: name };
  }
  return undefined;
}

/**
 * Opens a folder by its manifest and believes nothing in it: schema and references hold, every path stays in the folder
 * (links included), every listed file is there with its size and its content.
 *
 * @param path the folder, or the file of its manifest
 * @param name of that file in the folder
 * @param filesOf every file that the manifest vouches for
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function openPackage<M>(
  path: string,
  name: string,
  kind: DocumentKind<M>,
  filesOf: (manifest: M) => readonly ManifestFile[],
  { check = 'hashes' }: OpenOptions = {},
): Promise<OpenPackage<M>> {
  const manifestPath = path.endsWith('.json') ? path : join(path, name);
  if (!(await stat(manifestPath).catch(() => undefined))?.isFile()) {
    const isThere = (await stat(path).catch(() => undefined)) !== undefined;
    return fail({
      reason: isThere ? 'library-invalid' : 'file-missing',
      subject: path,
      found: isThere ? `no ${name} there` : 'no such file or folder',
      expected: `the folder of a ${kind.title.replace(' manifest', '')}, with its ${name}`,
      next: kind.next,
    });
  }
  const folder = dirname(manifestPath);
  const manifest = await readDocument(manifestPath, kind);
  const files = seenFiles(folder, 'open it again');
  if (check !== 'none') {
    for (const file of filesOf(manifest)) {
      await files.note(file);
      await requireFile(folder, file, { hash: check === 'hashes', next: kind.next });
    }
  }
  return {
    folder,
    manifest,
    manifestSha256: await sha256File(manifestPath),
    pathOf: (file) => insideFolder(folder, file.path),
    files,
  };
}
