import type { Library } from '../library/open.ts';
import { answerIndexPath, graphPaths, weightPaths, type ModelManifest } from './model-manifest.ts';
import { modelOnnx, modelTfjs } from '../graphs/files.ts';
import { storedWeights, type StoredWeight } from '../graphs/weight-places.ts';

/** A weight file of a composition: where it lies in the library, and its name in the model's folder. */
export interface WeightFile {
  readonly source: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** The frame's file and one per block. @throws BlockForgeError `library-invalid` where an id is none of its block's */
export function weightFiles(library: Library, descendants: readonly string[]): WeightFile[] {
  const entry = (file: Library['manifest']['frame'], path: string): WeightFile => ({
    source: library.pathOf(file),
    path,
    sizeBytes: file.sizeBytes,
    sha256: file.sha256,
  });
  const chosen = descendants.map((id) => library.descendant(id));
  const { frame, blocks } = weightPaths(chosen.map(({ width }) => width));
  return [
    entry(library.manifest.frame, frame),
    ...chosen.map(({ file }, block) => entry(file, blocks[block]!)),
  ];
}

/** What features are given their classes by: how, and the file; undefined for classifiers. */
export function answerIndex(
  library: Library,
): { readonly index: ModelManifest['index']; readonly file: WeightFile } | undefined {
  const { measure } = library.manifest.teacher;
  if (measure === undefined) return undefined;
  const { kind, index: file } = measure;
  const { sizeBytes, sha256 } = file;
  return {
    index: {
      path: answerIndexPath,
      ...(kind === 'k-nn' && { neighbours: measure.neighbours, temperature: measure.temperature }),
    },
    file: { source: library.pathOf(file), path: answerIndexPath, sizeBytes, sha256 },
  };
}

/** The graphs and the index of a model whose weights lie in `files`, by path. */
export async function graphFiles(
  library: Library,
  files: readonly WeightFile[],
  toolVersion: string,
): Promise<Record<string, string | Uint8Array>> {
  const { architecture } = library.manifest.teacher;
  const places = new Map<string, StoredWeight>();
  for (const { source, path } of files) {
    for (const [name, place] of await storedWeights(source, path)) places.set(name, place);
  }
  const { model, constants } = modelTfjs(architecture, places, graphPaths.tfjsConstants, toolVersion);
  const tensors = [...places];
  return {
    [graphPaths.onnx]: modelOnnx(architecture, places, toolVersion),
    [graphPaths.tfjs]: `${JSON.stringify(model)}\n`,
    [graphPaths.tfjsConstants]: constants,
    // As Hugging Face lists the parts of a checkpoint.
    [graphPaths.index]: `${JSON.stringify(
      {
        metadata: { total_size: tensors.reduce((sum, [, { length }]) => sum + length, 0) },
        weight_map: Object.fromEntries(tensors.map(([name, { location }]) => [name, location])),
      },
      null,
      2,
    )}\n`,
  };
}
