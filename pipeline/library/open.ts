import { dirname, basename, join } from 'node:path';
import { stat } from 'node:fs/promises';
import { ffnExtents } from '../model/architecture.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { hasFinished } from '../runner/has-finished.ts';
import { insideFolder } from '../util/atomic.ts';
import type { HostWeights } from '../model/host-weights.ts';
import { fail } from '../util/failure.ts';
import { sha256File, type Sha256 } from '../util/hash.ts';
import { readDocument, type DocumentKind } from './document.ts';
import {
  manifestSchema,
  schemaVersion,
  type Manifest,
  type ManifestDescendant,
  type ManifestFile,
} from './manifest.ts';
import { readDescendantFile, readFrameFile, toTorchFfn } from './weights.ts';
import { requireFile } from './listed-file.ts';
import { seenFiles, type SeenFiles } from './seen-files.ts';

export interface Library {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Of manifest.json: what models, profiles and reports name their library by. */
  readonly manifestSha256: Sha256;
  /** @throws BlockForgeError `library-invalid` where there is no such descendant */
  descendant(id: string): ManifestDescendant;
  /** Index of the block that it is a descendant of. @throws as `descendant` */
  blockOf(id: string): number;
  /** Weights in the pipeline's layout, checked against the manifest's width. */
  readFfn(id: string): Promise<FfnWeights>;
  /** The teacher without its FFN blocks, by canonical name. @throws BlockForgeError `library-invalid`, `file-invalid` */
  readFrame(): Promise<HostWeights>;
  /** The whole teacher by canonical name: the frame, and the first descendant of every block. @throws as `readFrame` */
  readTeacher(): Promise<HostWeights>;
  /** Absolute path of a file of the manifest, proved to lie inside the folder. */
  pathOf(file: ManifestFile): string;
  /** Reads a file that is still what it was when the library was opened. `readFfn`, `readFrame` and `readTeacher` do. */
  readonly files: Pick<SeenFiles, 'read' | 'readSync'>;
}

export interface OpenOptions {
  /**
   * `hashes` (default) reads every file, one to three seconds a gigabyte (`npm run bench -- opening`); `sizes` looks at every
   * file, for who wants the manifest alone; `none` trusts the folder. With both of the former, weights that are read
   * later must be what they were then.
   */
  readonly check?: 'none' | 'sizes' | 'hashes';
}

/**
 * Opens a library and believes nothing in it: the manifest passes its schema, every path stays in the folder (links
 * included), every file is there with its size and its content. No engine is loaded.
 *
 * @param path the library folder, its manifest.json, or a run folder that holds `library/`
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function openLibrary(path: string, { check = 'hashes' }: OpenOptions = {}): Promise<Library> {
  const manifestPath = await findManifest(path);
  const manifest = await readDocument(manifestPath, manifestKind);
  const folder = dirname(manifestPath);
  const files = seenFiles(folder, 'open the library again');
  if (check !== 'none') {
    for (const file of filesOf(manifest)) {
      await files.note(file);
      await requireFile(folder, file, { hash: check === 'hashes', next: manifestKind.next });
    }
  }
  const byId = new Map(
    manifest.blocks.flatMap(({ index, descendants }) =>
      descendants.map((item) => [item.id, { item, block: index }] as const),
    ),
  );
  const find = (id: string): { item: ManifestDescendant; block: number } =>
    byId.get(id) ??
    fail({
      reason: 'library-invalid',
      subject: manifestPath,
      found: `no descendant ${JSON.stringify(id)}`,
      expected: `an id such as ${byId.keys().next().value}`,
    });
  const pathOf = (file: ManifestFile): string => insideFolder(folder, file.path);
  const { architecture } = manifest.teacher;
  const readFfn = async (id: string): Promise<FfnWeights> => {
    const { item, block } = find(id);
    const { width: hidden, file } = item;
    const extents = ffnExtents(architecture, block, hidden);
    return files.read(file, (path) => readDescendantFile(path, block, extents));
  };
  const readFrame = (): Promise<HostWeights> =>
    files.read(manifest.frame, (path) => readFrameFile(path, architecture));
  return {
    folder,
    manifest,
    manifestSha256: await sha256File(manifestPath),
    descendant: (id) => find(id).item,
    blockOf: (id) => find(id).block,
    pathOf,
    files,
    readFfn,
    readFrame,
    async readTeacher() {
      const weights = await readFrame();
      for (const { index, descendants } of manifest.blocks) {
        Object.assign(weights, toTorchFfn(await readFfn(descendants[0]!.id), index));
      }
      return weights;
    },
  };
}

/** Every file the manifest vouches for. */
export function filesOf(manifest: Manifest): ManifestFile[] {
  return [
    manifest.frame,
    ...(manifest.teacher.measure === undefined ? [] : [manifest.teacher.measure.index]),
    ...(manifest.onnx === undefined ? [] : [manifest.onnx.frame]),
    ...(manifest.onnx?.profileScript === undefined ? [] : [manifest.onnx.profileScript]),
    ...manifest.blocks.flatMap(({ keptUnits, descendants }) => [
      ...descendants.flatMap(({ file, onnx }) => (onnx === undefined ? [file] : [file, onnx])),
      keptUnits,
    ]),
    manifest.selfTest.file,
    manifest.ranking.json,
    manifest.ranking.csv,
  ];
}

/** `manifest.json` as it is read: see `inspectDocument`. */
export const manifestKind: DocumentKind<Manifest> = {
  kind: 'blockforge-library',
  title: 'library manifest',
  version: schemaVersion,
  schema: manifestSchema,
  next: 'copy the library again, or export it again',
  reason: 'library-invalid',
};

/**
 * @param path the library folder, its manifest.json, or a run folder that holds `library/`
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function findManifest(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    return fail({
      reason: 'file-missing',
      subject: path,
      found: 'no such file or folder',
      next: 'give the library folder, its manifest.json, or the run folder (runs/<name>)',
    });
  }
  if (found.isFile()) {
    if (basename(path).endsWith('.json')) return path;
    return fail({
      reason: 'library-invalid',
      subject: path,
      found: 'not a manifest',
      expected: 'a library folder or its manifest.json',
    });
  }
  if (!found.isDirectory()) {
    return fail({
      reason: 'library-invalid',
      subject: path,
      found: 'a pipe, a socket or a device, not a plain file',
      expected: 'a library folder or its manifest.json',
    });
  }
  for (const candidate of [join(path, 'manifest.json'), join(path, 'library', 'manifest.json')]) {
    if ((await stat(candidate).catch(() => undefined))?.isFile()) return candidate;
  }
  return fail({
    reason: 'library-invalid',
    subject: path,
    found: 'a folder without manifest.json or library/manifest.json',
    expected: 'a library folder, or a run folder whose export has finished',
    next: (await hasFinished(path))
      ? 'this run has finished: its method writes no library (give the folder of one of its deployments), or it was moved and the same command makes it again'
      : 'if this is a run, give its pipeline command again: it resumes',
  });
}

/** @throws BlockForgeError `library-invalid` for what is not one descendant of this library for every block, in block order */
export function checkComposition(library: Library, ids: readonly string[]): void {
  const { depth } = library.manifest.teacher.architecture;
  const wrong = ids.findIndex((id, block) => library.blockOf(id) !== block);
  if (ids.length === depth && wrong < 0) return;
  fail({
    reason: 'library-invalid',
    subject: `a composition of ${library.folder}`,
    found: wrong < 0 ? `${ids.length} descendants` : `${ids[wrong]} in block ${wrong}`,
    expected: `one descendant of each of its ${depth} blocks, in block order`,
  });
}
