import { compositionFile, openModel, type Model } from '../compose/open-model.ts';
import { modelKind, type ModelManifest } from '../compose/model-manifest.ts';
import { dirname } from 'node:path';
import { verifyDocument } from './document.ts';
import { verifyFiles } from './files.ts';
import type { Finding, Verified, VerifyOptions } from './finding.ts';
import { verifyGraphs } from './graphs.ts';
import { verifyModelWeights } from './model-weights.ts';
import { unlistedNotes } from './unlisted.ts';

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
    ...(signal && { signal }),
    onFile: (done, total, note) => onProgress?.({ fraction: (0.6 * done) / total, note }),
  });
  const model: Model = await openModel(path, { check: 'none' });
  const weights = await verifyModelWeights(model, damaged, findings, {
    ...(signal && { signal }),
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
