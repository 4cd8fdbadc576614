import type { FfnWeights } from '../model/ffn-weights.ts';
import { requireFinite } from '../model/finite.ts';
import { openSafetensors } from '../model/safetensors.ts';
import { readFloatsSync } from '../model/safetensors-sync.ts';
import { fail } from '../util/failure.ts';
import { fromTorchFfn, torchFfnNames, torchFfnShapes, type NamedFloats } from './weights.ts';

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
async function readDescendantTensors(path: string, block: number): Promise<Record<string, NamedFloats>> {
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

/**
 * The tensors of a descendant of block `block` in a running model, as `torchFfnNames` lists them; blocks (`readFloatsSync`).
 * @param shape [H', D] of its first layer, by the manifest
 * @throws BlockForgeError `file-missing`, `file-invalid`, the latter also for NaN, infinity and other shapes
 */
export function readDescendantSync(
  path: string,
  block: number,
  extents: { readonly hidden: number; readonly width: number },
): Record<string, NamedFloats> {
  const file = readFloatsSync(path);
  return Object.fromEntries(
    Object.entries(torchFfnShapes(block, extents)).map(([name, shape]) => {
      const tensor = Object.hasOwn(file, name) ? file[name] : undefined;
      if (tensor?.shape.join() !== shape.join()) {
        fail({
          reason: 'file-invalid',
          subject: `${path}, tensor ${name}`,
          found: tensor === undefined ? 'not there' : `shape [${tensor.shape.join(', ')}]`,
          expected: `[${shape.join(', ')}]`,
          next: 'copy the library again, or export it again',
        });
      }
      requireFinite(tensor.data, path, name);
      return [name, tensor];
    }),
  );
}
