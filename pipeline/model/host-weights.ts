import type { Architecture } from './architecture.ts';
import type { FfnWeights } from './ffn-weights.ts';

/** A weight as checkpoints store it, row-major: matrices are [out, in]. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A whole teacher by canonical name, which is timm's (`blocks.0.attn.qkv.weight`, ...). */
export type HostWeights = Record<string, HostTensor>;

/** Every canonical name with its shape. A checkpoint that has more, fewer or others is not this architecture. */
export function canonicalShapes(architecture: Architecture): Record<string, readonly number[]> {
  const { imageSize, patchSize, channels, width, depth, hidden, classes } = architecture;
  const shapes: Record<string, readonly number[]> = {
    cls_token: [1, 1, width],
    pos_embed: [1, (imageSize / patchSize) ** 2 + 1, width],
    'patch_embed.proj.weight': [width, channels, patchSize, patchSize],
    'patch_embed.proj.bias': [width],
  };
  for (let i = 0; i < depth; i++) {
    const layers: [string, number[]][] = [
      ['norm1', [width]],
      ['attn.qkv', [3 * width, width]],
      ['attn.proj', [width, width]],
      ['norm2', [width]],
      ['mlp.fc1', [hidden, width]],
      ['mlp.fc2', [width, hidden]],
    ];
    for (const [layer, shape] of layers) {
      shapes[`blocks.${i}.${layer}.weight`] = shape;
      shapes[`blocks.${i}.${layer}.bias`] = [shape[0]];
    }
  }
  shapes['norm.weight'] = [width];
  shapes['norm.bias'] = [width];
  shapes['head.weight'] = [classes, width];
  shapes['head.bias'] = [classes];
  return shapes;
}

/** Block `index` of the teacher with its kernels turned from [out, in] to [in, out]. Copies. */
export function hostFfn(weights: HostWeights, index: number): FfnWeights {
  const part = (name: string): HostTensor => {
    const tensor = weights[`blocks.${index}.mlp.${name}`];
    if (tensor === undefined) throw new Error(`no tensor blocks.${index}.mlp.${name}`);
    return tensor;
  };
  const fc1 = part('fc1.weight');
  const [hidden, width] = fc1.shape;
  return {
    width,
    hidden,
    fc1Kernel: transposed(fc1.data, hidden, width),
    fc1Bias: part('fc1.bias').data.slice(),
    fc2Kernel: transposed(part('fc2.weight').data, width, hidden),
    fc2Bias: part('fc2.bias').data.slice(),
  };
}

/** [rows, columns] -> [columns, rows], in tiles that fit the cache. */
export function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const tile = 32;
  const result = new Float32Array(data.length);
  for (let r0 = 0; r0 < rows; r0 += tile) {
    const r1 = Math.min(rows, r0 + tile);
    for (let c0 = 0; c0 < columns; c0 += tile) {
      const c1 = Math.min(columns, c0 + tile);
      for (let r = r0; r < r1; r++) {
        for (let c = c0; c < c1; c++) result[c * rows + r] = data[r * columns + c];
      }
    }
  }
  return result;
}
