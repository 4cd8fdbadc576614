import type { FfnWeights } from '../model/ffn-weights.ts';
import { openSafetensors } from '../model/safetensors.ts';
import { fail } from '../util/failure.ts';
import { fromTorchFfn, torchFfnNames, type NamedFloats, type TorchFfn } from './torch-layout.ts';

/**
 * Reads one descendant's file into the pipeline's layout.
 * @throws BlockForgeError `file-missing`, `file-invalid`, `library-invalid` where the tensors make no FFN block
 */
export async function readDescendantFile(path: string): Promise<FfnWeights> {
  const file = await openSafetensors(path);
  try {
    const tensors: Record<string, NamedFloats> = {};
    for (const name of torchFfnNames) {
      tensors[name] = { shape: file.info(name).shape, data: await file.read(name) };
    }
    return fromTorchFfn(tensors as TorchFfn);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return fail({ reason: 'library-invalid', subject: path, found: error.message }, error);
  } finally {
    await file.close();
  }
}
