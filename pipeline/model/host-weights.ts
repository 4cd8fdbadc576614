import { familyOf, type Architecture } from './architecture.ts';
import { ffnNames, ffnParts, mapParts, type FfnPart, type FfnWeights } from './ffn-weights.ts';

/** A weight as checkpoints store it, row-major: matrices are [out, in]. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A whole teacher by canonical name, which is timm's (`blocks.0.attn.qkv.weight`, ...). */
export type HostWeights = Record<string, HostTensor>;

/** Every canonical name with its shape. A checkpoint that has more, fewer or others is not this architecture. */
export function canonicalShapes(architecture: Architecture): Record<string, readonly number[]> {
  const shapes = familyOf(architecture).shapes(architecture);
  if (architecture.answer !== 'pooled') return shapes;
  return Object.fromEntries(Object.entries(shapes).filter(([name]) => !isHeadName(name)));
}

/** Whether a canonical tensor is of a head's last layer. */
export function isHeadName(name: string): boolean {
  return /^head(?:_dist)?\./.test(name);
}

/** Block `index` of the teacher with its kernels turned from [out, in] to [in, out]. Copies. */
export function hostFfn(weights: HostWeights, index: number): FfnWeights {
  const names = ffnNames(index);
  const part = (name: FfnPart): HostTensor => {
    const tensor = weights[names[name]];
    if (tensor === undefined) throw new Error(`no tensor ${names[name]}`);
    return tensor;
  };
  const [hidden, width] = part('fc1Kernel').shape as [number, number];
  const turned = (name: FfnPart): Float32Array => {
    const { shape, data } = part(name);
    return shape.length === 2 ? transposed(data, shape[0]!, shape[1]!) : data.slice();
  };
  return { width, hidden, ...mapParts(ffnParts(weights[names.gateKernel] !== undefined), turned) };
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
        for (let c = c0; c < c1; c++) result[c * rows + r] = data[r * columns + c]!;
      }
    }
  }
  return result;
}
