import { dirname } from 'node:path';
import { compositionFile, openModel, type Model } from '../compose/open-model.ts';
import { modelKind, weightPaths, type ModelManifest } from '../compose/model-manifest.ts';
import { showValue } from '../util/foreign-value.ts';
import type { Library } from '../library/open.ts';
import { verifyDocument, verifyFiles, unlistedNotes } from './files.ts';
import type { Finding, Found, Verified, VerifyOptions } from './finding.ts';
import { verifyGraphs } from './graphs.ts';
import { verifyModelWeights } from './model-weights.ts';
import { canonicalJson } from '../util/hash.ts';
import { known } from '../util/known.ts';

export interface ModelVerification extends Verified<ModelManifest> {
  readonly kind: 'model';
}

/**
 * Everything about a model folder that can be checked without its library, without data and without an engine: the
 * manifest's schema and references; every file's place, size and hash; the tensors that architecture and widths demand,
 * finite, under the ids they are recorded for; the index; and that both graphs take their weights from where these lie
 * and nothing from anywhere else. The graphs are not run: there is no whole model without an engine to compare them with.
 *
 * @param path of the composition.json, as `findModel` gives it
 */
export async function verifyModel(
  path: string,
  { signal, onProgress }: VerifyOptions = {},
): Promise<ModelVerification> {
  const folder = dirname(path);
  const findings: Finding[] = [];
  const { value: manifest, check } = await verifyDocument(path, modelKind, findings);
  if (manifest === undefined) return { kind: 'model', folder, checks: [check], findings, notes: [] };
  const { checks, damaged } = await verifyFiles(folder, manifest.files, findings, {
    signal,
    onFile: (done, total, note) => onProgress?.({ fraction: (0.6 * done) / total, note }),
  });
  const model: Model = await openModel(path, { check: 'none' });
  const weights = await verifyModelWeights(model, damaged, findings, {
    signal,
    onFile: (done, total) =>
      onProgress?.({ fraction: 0.6 + (0.4 * done) / total, note: `weights ${done}/${total}` }),
  });
  return {
    kind: 'model',
    folder,
    manifest,
    checks: [check, ...checks, ...weights.checks, ...(await verifyGraphs(model, weights, damaged, findings))],
    findings,
    notes: await unlistedNotes(
      folder,
      new Set([compositionFile, ...manifest.files.map((file) => file.path)]),
    ),
  };
}

/**
 * What a model must share with the library it lies in: the weights, and what is known of them beside. Which export it was
 * made from does not matter. Blocks that were refitted for the model are its own. Its files are already known to be what it says they are.
 */
export function ownerProblems(library: Library, model: ModelManifest): Found[] {
  const { descendants, widths, files, refitted } = model;
  const { teacher } = library.manifest;
  for (const fact of ['architecture', 'preprocessing', 'classNames'] as const) {
    if (canonicalJson(model[fact]) === canonicalJson(teacher[fact])) continue;
    return [{ file: compositionFile, found: `another ${fact} than this library`, expected: `the library's` }];
  }
  const { frame, blocks } = weightPaths(widths);
  const hashes = new Map(
    library.manifest.blocks.flatMap((block) => block.descendants.map(({ id, file }) => [id, file.sha256])),
  );
  const hashOf = new Map(files.map((file) => [file.path, file.sha256]));
  const expected: [path: string, id: string, sha256: string | undefined][] = [
    [frame, 'the frame', library.manifest.frame.sha256],
    ...blocks.map((path, block): [string, string, string | undefined] => [
      path,
      descendants[block]!,
      hashes.get(descendants[block]!),
    ]),
  ];
  const own = new Set(refitted?.descendants);
  return expected.flatMap(([path, id, sha256]) => {
    if (sha256 === known(hashOf, path)) return [];
    if (sha256 === undefined)
      return [{ file: compositionFile, found: `no descendant ${showValue(id)} in this library` }];
    if (own.has(id)) return [];
    return [{ file: path, found: `not ${id} of this library`, expected: `sha256 ${sha256}` }];
  });
}
