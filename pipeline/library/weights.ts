import { ffnNames, isFfnName, type FfnWeights } from '../model/ffn-weights.ts';
import { transposed, canonicalShapes, type HostTensor, type HostWeights } from '../model/host-weights.ts';
import { requireFinite } from '../model/finite.ts';
import { readTensors, withSafetensors, type SafetensorsFile } from '../model/safetensors.ts';
import { fail } from '../util/failure.ts';
import { readFloatsSync } from '../model/safetensors-sync.ts';
import type { Architecture } from '../model/architecture.ts';

/** A float32 array with its shape, as safetensors files hold it. */
export interface NamedFloats {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Canonical names, as in a whole model (`blocks.3.mlp.fc1.weight`): the files of a composition share no name. */
export function torchFfnNames(block: number): [string, string, string, string] {
  const { fc1Kernel, fc1Bias, fc2Kernel, fc2Bias } = ffnNames(block);
  return [fc1Kernel, fc1Bias, fc2Kernel, fc2Bias];
}

/** Their shapes, in that order, for `hidden` units of width `width`. */
export function torchFfnShapes(
  block: number,
  { hidden, width }: FfnExtents,
): Record<string, readonly number[]> {
  const [fc1Weight, fc1Bias, fc2Weight, fc2Bias] = torchFfnNames(block);
  return {
    [fc1Weight]: [hidden, width],
    [fc1Bias]: [hidden],
    [fc2Weight]: [width, hidden],
    [fc2Bias]: [width],
  };
}

/** To PyTorch's layout, linear weights [out, in]: fc1 [H, D], fc2 [D, H]. Moves values, never changes one. */
export function toTorchFfn(ffn: FfnWeights, block: number): Record<string, NamedFloats> {
  const { width, hidden } = ffn;
  const [fc1Weight, fc1Bias, fc2Weight, fc2Bias] = torchFfnNames(block);
  return {
    [fc1Weight]: { shape: [hidden, width], data: transposed(ffn.fc1Kernel, width, hidden) },
    [fc1Bias]: { shape: [hidden], data: ffn.fc1Bias },
    [fc2Weight]: { shape: [width, hidden], data: transposed(ffn.fc2Kernel, hidden, width) },
    [fc2Bias]: { shape: [width], data: ffn.fc2Bias },
  };
}

/** Back to [in, out]. @throws RangeError where the four shapes do not make one FFN block. */
export function fromTorchFfn(torch: Readonly<Record<string, NamedFloats>>, block: number): FfnWeights {
  const take = (name: string): NamedFloats => {
    const found = Object.hasOwn(torch, name) ? torch[name] : undefined;
    if (found === undefined) throw new RangeError(`there is no ${name}`);
    return found;
  };
  const [fc1Name, fc1BiasName, fc2Name, fc2BiasName] = torchFfnNames(block);
  const [fc1Weight, fc1Bias] = [take(fc1Name), take(fc1BiasName)];
  const [fc2Weight, fc2Bias] = [take(fc2Name), take(fc2BiasName)];
  const [hidden = 0, width = 0] = fc1Weight.shape;
  for (const [name, expected] of Object.entries(torchFfnShapes(block, { hidden, width }))) {
    const { shape, data } = take(name);
    const fits = shape.length === expected.length && shape.every((size, axis) => size === expected[axis]);
    if (!fits || data.length !== shape.reduce((a, b) => a * b, 1)) {
      throw new RangeError(`${name} is [${shape.join(', ')}], expected [${expected.join(', ')}]`);
    }
  }
  return {
    width,
    hidden,
    fc1Kernel: transposed(fc1Weight.data, hidden, width),
    fc1Bias: fc1Bias.data,
    fc2Kernel: transposed(fc2Weight.data, width, hidden),
    fc2Bias: fc2Bias.data,
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
        expected: `[${shape.join(', ')}], as the manifest's architecture has it`,
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
 * @throws BlockForgeError `file-missing`, `file-invalid` (NaN and infinity, too), `library-invalid` where the tensors make no
 * FFN block of these extents
 */
export async function readDescendantFile(
  path: string,
  block: number,
  { hidden, width }: FfnExtents,
): Promise<FfnWeights> {
  const weights = await readFfnFile(path, block);
  if (weights.hidden === hidden && weights.width === width) return weights;
  return fail({
    reason: 'library-invalid',
    subject: path,
    found: `fc1 [${weights.hidden}, ${weights.width}]`,
    expected: `[${hidden}, ${width}], as the manifest says`,
  });
}

async function readFfnFile(path: string, block: number): Promise<FfnWeights> {
  const { tensors } = await readTensors(path, torchFfnNames(block));
  for (const [name, { data }] of Object.entries(tensors)) requireFinite(data, path, name);
  try {
    return fromTorchFfn(tensors, block);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return fail({ reason: 'library-invalid', subject: path, found: error.message }, error);
  }
}

/**
 * The tensors of a descendant of block `block` in a running model, as `torchFfnNames` lists them; blocks (`readFloatsSync`).
 * @param extents what the manifest says of it
 * @throws BlockForgeError `file-missing`, `file-invalid`, the latter also for NaN, infinity and other shapes
 */
export function readDescendantSync(
  path: string,
  block: number,
  extents: FfnExtents,
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

/**
 * The teacher without its FFN blocks, by canonical name.
 * @throws BlockForgeError `library-invalid` where the frame is not that of the manifest's architecture; `file-invalid`
 */
export async function readFrameFile(path: string, architecture: Architecture): Promise<HostWeights> {
  return withSafetensors(path, async (frame) => {
    const weights: HostWeights = {};
    for await (const [name, tensor] of shapedTensors(frame, frameShapes(architecture)))
      weights[name] = tensor;
    return weights;
  });
}

/** What `frame.safetensors` must hold: every tensor of the teacher but its FFN blocks. */
export function frameShapes(architecture: Architecture): Record<string, readonly number[]> {
  const all = Object.entries(canonicalShapes(architecture));
  return Object.fromEntries(all.filter(([name]) => !isFfnName(name)));
}
