import type { FfnWeights } from '../model/ffn-weights.ts';
import { transposed } from '../model/host-weights.ts';

/** A float32 array with its shape, as safetensors files hold it. */
export interface NamedFloats {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The parameters of an FFN block, in the order of `torchFfnNames`. */
const parts = ['fc1.weight', 'fc1.bias', 'fc2.weight', 'fc2.bias'] as const;

/** timm's names in a whole model (`blocks.3.mlp.fc1.weight`): the files of a composition share no name. */
export function torchFfnNames(block: number): string[] {
  return parts.map((part) => `blocks.${block}.mlp.${part}`);
}

/** Their shapes, in that order, for `hidden` units of width `width`. */
export function torchFfnShapes(
  block: number,
  { hidden, width }: { readonly hidden: number; readonly width: number },
): Record<string, readonly number[]> {
  const shapes = [[hidden, width], [hidden], [width, hidden], [width]];
  return Object.fromEntries(torchFfnNames(block).map((name, place) => [name, shapes[place]]));
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
  const names = torchFfnNames(block);
  const [fc1Weight, fc1Bias, fc2Weight, fc2Bias] = names.map((name) => torch[name]);
  const [hidden, width] = fc1Weight.shape;
  for (const [name, expected] of Object.entries(torchFfnShapes(block, { hidden, width }))) {
    const { shape, data } = torch[name];
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
