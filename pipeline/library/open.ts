import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { insideFolder } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { sha256File } from '../util/hash.ts';
import {
  manifestSchema,
  schemaVersion,
  type Manifest,
  type ManifestDescendant,
  type ManifestFile,
} from './manifest.ts';
import { readDescendantFile } from './read-descendant.ts';

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

/** Far above any real manifest: guards memory against a wrong file. */
const maxManifestBytes = 256 * 2 ** 20;

/**
 * Opens a library and believes nothing in it: the manifest passes its schema, every path stays in the folder (links
 * included), every file is there with its size. No engine is loaded.
 *
 * @param path the library folder, its manifest.json, or a run folder that holds `library/`
 * @throws BlockForgeError `file-missing`, `library-invalid`
 */
export async function openLibrary(path: string, { check = 'sizes' }: OpenOptions = {}): Promise<Library> {
  const manifestPath = await findManifest(path);
  const manifest = await readManifest(manifestPath);
  const folder = dirname(manifestPath);
  if (check !== 'none') {
    for (const file of filesOf(manifest)) await checkFile(folder, file, check === 'hashes');
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

async function findManifest(path: string): Promise<string> {
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
  for (const candidate of [join(path, 'manifest.json'), join(path, 'library', 'manifest.json')]) {
    if ((await stat(candidate).catch(() => undefined))?.isFile()) return candidate;
  }
  return fail({
    reason: 'library-invalid',
    subject: path,
    found: 'a folder without manifest.json or library/manifest.json',
    expected: 'a library folder, or a run folder whose export has finished',
    next: 'if this is a run, give its pipeline command again: it resumes',
  });
}

async function readManifest(path: string): Promise<Manifest> {
  const damaged = (found: string, cause?: unknown): never =>
    fail(
      {
        reason: 'library-invalid',
        subject: path,
        found,
        expected: `a BlockForge library manifest, version ${schemaVersion}`,
        next: 'copy the library again, or export it again',
      },
      cause,
    );
  const { size } = await stat(path);
  if (size > maxManifestBytes) return damaged(`${size} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    return damaged(`damaged: ${(error as Error).message}`, error);
  }
  const { kind, schemaVersion: version } = (value ?? {}) as { kind?: unknown; schemaVersion?: unknown };
  if (kind !== 'blockforge-library') return damaged('JSON, but not a library manifest ("kind" is missing)');
  if (typeof version === 'number' && version > schemaVersion) {
    return fail({
      reason: 'library-invalid',
      subject: path,
      found: `schemaVersion ${version}, newer than this BlockForge`,
      expected: `${schemaVersion} or lower`,
      next: 'update BlockForge',
    });
  }
  const result = manifestSchema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const lines = issues.slice(0, 5).map(({ path: place, message }) => `${place.join('.')}: ${message}`);
  if (issues.length > lines.length) lines.push(`and ${issues.length - lines.length} more`);
  return damaged(lines.join('\n    '));
}

/** Every file the manifest vouches for. */
export function filesOf(manifest: Manifest): ManifestFile[] {
  return [
    manifest.frame,
    ...(manifest.onnx === undefined ? [] : [manifest.onnx.frame]),
    ...manifest.blocks.flatMap(({ keptUnits, descendants }) => [
      ...descendants.flatMap(({ file, onnx }) => (onnx === undefined ? [file] : [file, onnx])),
      keptUnits,
    ]),
    manifest.selfTest.file,
    manifest.ranking.json,
    manifest.ranking.csv,
  ];
}

async function checkFile(folder: string, file: ManifestFile, hash: boolean): Promise<void> {
  const invalid = (found: string, expected: string): never =>
    fail({
      reason: 'library-invalid',
      subject: join(folder, file.path),
      found,
      expected,
      next: 'copy the library again, or export it again',
    });
  const full = insideFolder(folder, file.path);
  const found = await stat(full).catch(() => undefined);
  if (found === undefined || !found.isFile()) return invalid('no such file', 'a file the manifest names');
  const real = relative(await realpath(folder), await realpath(full));
  if (real === '..' || real.startsWith(`..${sep}`)) {
    return invalid('a link that leaves the library folder', 'a file inside it');
  }
  if (found.size !== file.sizeBytes) return invalid(`${found.size} bytes`, `${file.sizeBytes} bytes`);
  if (hash && (await sha256File(full)) !== file.sha256)
    invalid('its content has changed', `sha256 ${file.sha256}`);
}
