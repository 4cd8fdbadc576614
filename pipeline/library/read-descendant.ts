import type { FfnWeights } from '../model/ffn-weights.ts';
import { requireFinite } from '../model/finite.ts';
import { openSafetensors } from '../model/safetensors.ts';
import { fail } from '../util/failure.ts';
import { fromTorchFfn, torchFfnNames, type NamedFloats } from './torch-layout.ts';

/**
 * Reads the file of a descendant of block `block` into the pipeline's layout.
 * @throws BlockForgeError `file-missing`, `file-invalid`, `library-invalid` where the tensors make no FFN block; NaN and
 * infinity are `file-invalid`
 */
export async function readDescendantFile(path: string, block: number): Promise<FfnWeights> {
  const tensors = await readDescendantTensors(path, block);
  try {
    return fromTorchFfn(tensors, block);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return fail({ reason: 'library-invalid', subject: path, found: error.message }, error);
  }
}

/**
 * Its four tensors as the file holds them, linear weights [out, in], by timm's names.
 * @throws BlockForgeError `file-missing`, `file-invalid`, the latter also for NaN and infinity
 */
export async function readDescendantTensors(
  path: string,
  block: number,
): Promise<Record<string, NamedFloats>> {
  const file = await openSafetensors(path);
  try {
    const tensors: Record<string, NamedFloats> = {};
    for (const name of torchFfnNames(block)) {
      tensors[name] = {
        shape: file.info(name).shape,
        data: requireFinite(await file.read(name), path, name),
      };
    }
    return tensors;
  } finally {
    await file.close();
  }
}
