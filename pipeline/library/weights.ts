import { ffnNames, isFfnName, type FfnWeights } from '../model/ffn-weights.ts';
import {
  canonicalShapes,
  hostFfn,
  transposed,
  type HostTensor,
  type HostWeights,
} from '../model/host-weights.ts';
import { requireFinite } from '../model/untrusted-file.ts';
import { withSafetensors, type SafetensorsFile } from '../model/safetensors.ts';
import { fail } from '../util/failure.ts';
import { readFloatsSync } from '../model/safetensors-sync.ts';
import type { Architecture } from '../model/architecture.ts';

/**
 * The tensors of a descendant by canonical name, as in a whole model (`blocks.3.mlp.fc1.weight`), with their shapes: the files
 * of a composition share no name.
 */
export function torchFfnShapes(
  block: number,
  { hidden, width }: FfnExtents,
): Record<string, readonly number[]> {
  const names = ffnNames(block);
  return {
    [names.fc1Kernel]: [hidden, width],
    [names.fc1Bias]: [hidden],
    [names.fc2Kernel]: [width, hidden],
    [names.fc2Bias]: [width],
  };
}

/** To PyTorch's layout, linear weights [out, in]: `hostFfn` backwards. Moves values, never changes one. */
export function toTorchFfn(ffn: FfnWeights, block: number): HostWeights {
  const { width, hidden } = ffn;
  const names = ffnNames(block);
  return {
    [names.fc1Kernel]: { shape: [hidden, width], data: transposed(ffn.fc1Kernel, width, hidden) },
    [names.fc1Bias]: { shape: [hidden], data: ffn.fc1Bias },
    [names.fc2Kernel]: { shape: [width, hidden], data: transposed(ffn.fc2Kernel, hidden, width) },
    [names.fc2Bias]: { shape: [width], data: ffn.fc2Bias },
  };
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

/** The size of an FFN block: hidden units, and the width of the residual stream. */
export interface FfnExtents {
  readonly hidden: number;
  readonly width: number;
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

/**
 * The teacher without its FFN blocks, by canonical name.
 * @throws BlockForgeError `library-invalid` where the frame is not that of the manifest's architecture; `file-invalid`
 */
export async function readFrameFile(path: string, architecture: Architecture): Promise<HostWeights> {
  return readShaped(path, frameShapes(architecture));
}

/** What `frame.safetensors` must hold: every tensor of the teacher but its FFN blocks. */
export function frameShapes(architecture: Architecture): Record<string, readonly number[]> {
  const all = Object.entries(canonicalShapes(architecture));
  return Object.fromEntries(all.filter(([name]) => !isFfnName(name)));
}
