import { dirname } from 'node:path';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { insideFolder } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { readDocument } from './document.ts';
import type { Manifest, ManifestDescendant, ManifestFile } from './manifest.ts';
import { readDescendantFile } from './read-descendant.ts';
import { findManifest, manifestKind } from './read-manifest.ts';
import { requireFile } from './listed-file.ts';

export interface Library {
  readonly folder: string;
  readonly manifest: Manifest;
  /** @throws BlockForgeError `library-invalid` where there is no such descendant */
  descendant(id: string): ManifestDescendant;
  /** Index of the block that it is a descendant of. @throws as `descendant` */
  blockOf(id: string): number;
  /** Weights in the pipeline's layout, checked against the manifest's width. */
  readFfn(id: string): Promise<FfnWeights>;
  /** Absolute path of a file of the manifest, proved to lie inside the folder. */
  pathOf(file: ManifestFile): string;
}

export interface OpenOptions {
  /** `sizes` (default) looks at every file, `hashes` also reads them all, `none` trusts the folder. */
  readonly check?: 'none' | 'sizes' | 'hashes';
}

/**
 * Opens a library and believes nothing in it: the manifest passes its schema, every path stays in the folder (links
 * included), every file is there with its size. No engine is loaded.
 *
 * @param path the library folder, its manifest.json, or a run folder that holds `library/`
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function openLibrary(path: string, { check = 'sizes' }: OpenOptions = {}): Promise<Library> {
  const manifestPath = await findManifest(path);
  const manifest = await readDocument(manifestPath, manifestKind);
  const folder = dirname(manifestPath);
  if (check !== 'none') {
    for (const file of filesOf(manifest))
      await requireFile(folder, file, { hash: check === 'hashes', next: manifestKind.next });
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
  return {
    folder,
    manifest,
    descendant: (id) => find(id).item,
    blockOf: (id) => find(id).block,
    pathOf: (file) => insideFolder(folder, file.path),
    async readFfn(id) {
      const { item, block } = find(id);
      const { file, width } = item;
      const full = insideFolder(folder, file.path);
      const weights = await readDescendantFile(full, block);
      if (weights.hidden !== width || weights.width !== manifest.teacher.architecture.width) {
        fail({
          reason: 'library-invalid',
          subject: full,
          found: `fc1 [${weights.hidden}, ${weights.width}]`,
          expected: `[${width}, ${manifest.teacher.architecture.width}], as the manifest says`,
        });
      }
      return weights;
    },
  };
}

/** Every file the manifest vouches for. */
export function filesOf(manifest: Manifest): ManifestFile[] {
  return [
    manifest.frame,
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
