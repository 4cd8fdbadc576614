import { ffnNames, partOf, partShape, partsOf, type FfnWeights } from '../model/ffn-weights.ts';
import { hostFfn, transposed, type HostTensor, type HostWeights } from '../model/host-weights.ts';
import { requireFinite } from '../model/untrusted-file.ts';
import { withSafetensors, type SafetensorsFile } from '../model/safetensors.ts';
import { fail } from '../util/failure.ts';
import { readFloatsSync } from '../model/safetensors-sync.ts';
import type { Architecture, FfnExtents } from '../model/architecture.ts';
import { takeShaped } from './take-shaped.ts';
import { frameShapes, torchFfnShapes } from './weight-shapes.ts';

/** To PyTorch's layout, linear weights [out, in]: `hostFfn` backwards. Moves values, never changes one. */
export function toTorchFfn(ffn: FfnWeights, block: number): HostWeights {
  const names = ffnNames(block);
  const turned = partsOf(ffn).map((part): [string, HostTensor] => {
    const [inputs, outputs] = partShape(part, ffn);
    const data = partOf(ffn, part);
    if (outputs === undefined) return [names[part], { shape: [inputs], data }];
    return [names[part], { shape: [outputs, inputs], data: transposed(data, inputs, outputs) }];
  });
  return Object.fromEntries(turned);
}

/**
 * The tensors of a file that must be in it, one at a time, each of its shape and finite.
 * @throws BlockForgeError `library-invalid` where one has another shape; `file-invalid`
 */
export async function* shapedTensors(
  file: SafetensorsFile,
  shapes: Readonly<Record<string, readonly number[]>>,
): AsyncGenerator<readonly [name: string, tensor: HostTensor]> {
  for (const [name, shape] of Object.entries(shapes)) {
    const { shape: found } = file.info(name);
    if (found.join() !== shape.join()) {
      fail({
        reason: 'library-invalid',
        subject: `${file.path}, tensor ${name}`,
        found: `shape [${found.join(', ')}]`,
        expected: `[${shape.join(', ')}], as the manifest has it`,
      });
    }
    yield [name, { shape, data: requireFinite(await file.read(name), file.path, name) }];
  }
}

/** Looks at all of them and keeps none. @throws as `shapedTensors` */
export async function checkTensors(...args: Parameters<typeof shapedTensors>): Promise<void> {
  const tensors = shapedTensors(...args);
  while (!(await tensors.next()).done);
}

/**
 * Reads the file of a descendant of block `block` into the pipeline's layout.
 * @param extents what the manifest says of it
 * @throws BlockForgeError `file-missing`, and as `shapedTensors`
 */
export async function readDescendantFile(
  path: string,
  block: number,
  extents: FfnExtents,
): Promise<FfnWeights> {
  return hostFfn(await readShaped(path, torchFfnShapes(block, extents)), block);
}

async function readShaped(
  path: string,
  shapes: Readonly<Record<string, readonly number[]>>,
): Promise<HostWeights> {
  return withSafetensors(path, async (file) => {
    const weights: HostWeights = {};
    for await (const [name, tensor] of shapedTensors(file, shapes)) weights[name] = tensor;
    return weights;
  });
}

/**
 * The tensors of a descendant of block `block` in a running model, as `torchFfnShapes` lists them; blocks (`readFloatsSync`).
 * @param extents what the manifest says of it
 * @throws BlockForgeError `file-missing`, `file-invalid`, the latter also for NaN, infinity and other shapes
 */
export function readDescendantSync(path: string, block: number, extents: FfnExtents): HostWeights {
  return takeShaped(readFloatsSync(path), torchFfnShapes(block, extents), path);
}

/**
 * The teacher without its FFN blocks, by canonical name.
 * @throws BlockForgeError `library-invalid` where the frame is not that of the manifest's architecture; `file-invalid`
 */
export async function readFrameFile(path: string, architecture: Architecture): Promise<HostWeights> {
  return readShaped(path, frameShapes(architecture));
}
