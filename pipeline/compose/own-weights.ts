import { join } from 'node:path';
import { describeFile } from '../library/listed-file.ts';
import type { Library } from '../library/open.ts';
import { toTorchFfn } from '../library/weights.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { withSafetensors, writeSafetensors } from '../model/safetensors.ts';
import type { WeightFile } from './model-files.ts';
import type { RefittedModel } from './model-manifest.ts';

/** Blocks of a model that are not the library's, by the id of the descendant that each stands for, and how they came about. */
export interface Refitted {
  readonly weights: ReadonlyMap<string, FfnWeights>;
  readonly record: RefittedModel;
}

/**
 * Writes the weights that the model has for itself into its folder, with the header of the library's file, so that they are
 * as large as that.
 * @param files of the library, the frame's first
 * @returns the same, but for these
 */
export async function writeOwnWeights(
  library: Library,
  files: readonly WeightFile[],
  folder: string,
  refitted: Refitted | undefined,
): Promise<WeightFile[]> {
  const result = [...files];
  for (const [id, weights] of refitted?.weights ?? []) {
    const block = library.blockOf(id);
    const { source, path } = files[1 + block]!;
    const metadata = await withSafetensors(source, (open) => Promise.resolve({ ...open.metadata }));
    const own = join(folder, path);
    await writeSafetensors(own, toTorchFfn(weights, block), metadata);
    result[1 + block] = { source: own, ...(await describeFile(folder, path)) };
  }
  return result;
}
