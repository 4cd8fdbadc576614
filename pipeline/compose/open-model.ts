import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ffnExtents } from '../model/architecture.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { HostWeights } from '../model/host-weights.ts';
import { insideFolder } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { readDocument } from '../library/document.ts';
import type { ManifestFile } from '../library/manifest.ts';
import type { OpenOptions } from '../library/open.ts';
import { readDescendantFile, readFrameFile } from '../library/weights.ts';
import { requireFile } from '../library/listed-file.ts';
import { modelKind, weightPaths, type ModelManifest } from './model-manifest.ts';
import { known } from '../util/known.ts';

export interface Model {
  readonly folder: string;
  readonly manifest: ModelManifest;
  /** The weight files: everything but the FFN blocks, and those by block. */
  readonly frame: ManifestFile;
  readonly blocks: readonly ManifestFile[];
  /** Absolute path of a file of the manifest, proved to lie inside the folder. */
  pathOf(file: ManifestFile): string;
  /** By canonical name. @throws BlockForgeError `library-invalid`, `file-invalid` */
  readFrame(): Promise<HostWeights>;
  /** Weights in the pipeline's layout, checked against the manifest's width. @throws as `readFrame` */
  readFfn(block: number): Promise<FfnWeights>;
}

export const compositionFile = 'composition.json';

/** @returns the path of the `composition.json` that `path` is or holds; none where it holds a library's manifest, too */
export async function findModel(path: string): Promise<string | undefined> {
  const isFile = async (name: string) => (await stat(name).catch(() => undefined))?.isFile() ?? false;
  if (basename(path) === compositionFile && (await isFile(path))) return path;
  const inside = join(path, compositionFile);
  return (await isFile(inside)) && !(await isFile(join(path, 'manifest.json'))) ? inside : undefined;
}

/**
 * Opens a model folder and believes nothing in it: the manifest passes its schema, every path stays in the folder (links
 * included), every file is there with its size and its content. No engine is loaded.
 *
 * @param path the model folder or its composition.json
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function openModel(path: string, { check = 'hashes' }: OpenOptions = {}): Promise<Model> {
  const manifestPath =
    (await findModel(path)) ??
    fail({
      reason: (await stat(path).catch(() => undefined)) === undefined ? 'file-missing' : 'library-invalid',
      subject: path,
      found: `no ${compositionFile} there`,
      expected: 'a model folder, as compose writes it',
    });
  const manifest = await readDocument(manifestPath, modelKind);
  const folder = dirname(manifestPath);
  if (check !== 'none') {
    for (const file of manifest.files) {
      await requireFile(folder, file, { hash: check === 'hashes', next: modelKind.next });
    }
  }
  const { architecture, widths } = manifest;
  const paths = weightPaths(widths);
  // The schema vouches for their being listed.
  const listed = new Map(manifest.files.map((file) => [file.path, file]));
  const blocks = paths.blocks.map((name) => known(listed, name));
  const frame = known(listed, paths.frame);
  const pathOf = (file: ManifestFile): string => insideFolder(folder, file.path);
  return {
    folder,
    manifest,
    frame,
    blocks,
    pathOf,
    readFrame: () => readFrameFile(pathOf(frame), architecture),
    async readFfn(block) {
      const [file, hidden] = [blocks[block], widths[block]];
      if (file === undefined || hidden === undefined) throw new RangeError(`no block ${block}`);
      return readDescendantFile(pathOf(file), block, ffnExtents(architecture, block, hidden));
    },
  };
}
