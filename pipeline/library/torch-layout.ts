import type { FfnWeights } from '../model/ffn-weights.ts';
import { transposed } from '../model/host-weights.ts';

/** A float32 array with its shape, as safetensors files hold it. */
export interface NamedFloats {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The four tensors of a descendant's file, by timm's names inside an encoder layer. */
export type TorchFfn = Readonly<
  Record<'mlp.fc1.weight' | 'mlp.fc1.bias' | 'mlp.fc2.weight' | 'mlp.fc2.bias', NamedFloats>
>;

export const torchFfnNames = ['mlp.fc1.weight', 'mlp.fc1.bias', 'mlp.fc2.weight', 'mlp.fc2.bias'] as const;

/** To PyTorch's layout, linear weights [out, in]: fc1 [H, D], fc2 [D, H]. Moves values, never changes one. */
export function toTorchFfn(ffn: FfnWeights): TorchFfn {
  const { width, hidden } = ffn;
  return {
    'mlp.fc1.weight': { shape: [hidden, width], data: transposed(ffn.fc1Kernel, width, hidden) },
    'mlp.fc1.bias': { shape: [hidden], data: ffn.fc1Bias },
    'mlp.fc2.weight': { shape: [width, hidden], data: transposed(ffn.fc2Kernel, hidden, width) },
    'mlp.fc2.bias': { shape: [width], data: ffn.fc2Bias },
  };
}

/** Back to [in, out]. @throws RangeError where the four shapes do not make one FFN block. */
export function fromTorchFfn(torch: TorchFfn): FfnWeights {
  const [hidden, width] = torch['mlp.fc1.weight'].shape;
  const expected = [[hidden, width], [hidden], [width, hidden], [width]];
  torchFfnNames.forEach((name, index) => {
    const { shape, data } = torch[name];
    const fits =
      shape.length === expected[index].length && shape.every((size, axis) => size === expected[index][axis]);
    if (!fits || data.length !== shape.reduce((a, b) => a * b, 1)) {
      throw new RangeError(`${name} is [${shape.join(', ')}], expected [${expected[index].join(', ')}]`);
    }
  });
  return {
    width,
    hidden,
    fc1Kernel: transposed(torch['mlp.fc1.weight'].data, hidden, width),
    fc1Bias: torch['mlp.fc1.bias'].data,
    fc2Kernel: transposed(torch['mlp.fc2.weight'].data, width, hidden),
    fc2Bias: torch['mlp.fc2.bias'].data,
  };
}
