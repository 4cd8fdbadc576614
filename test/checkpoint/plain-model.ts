import type { HostWeights } from '../../pipeline/model/host-weights.ts';
import type { NamedArrays } from '../../pipeline/model/safetensors.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';

export const weights: HostWeights = strongWeights(tinyArchitecture);
const { width } = tinyArchitecture;

/** Nothing is left to assume. */
export const hints = {
  heads: 2,
  layerNormEpsilon: 1e-6,
  gelu: 'exact',
  imageSize: 8,
  pool: 'class-token',
  normFirst: true,
} as const;

export type Renames = Readonly<Record<string, string>>;

/** Canonical names, longest first, by what stands in for them; `in_proj.` becomes `in_proj_`. */
export function renamed(table: Renames, tensors: NamedArrays = weights): NamedArrays {
  const entries = Object.entries(table).sort(([a], [b]) => b.length - a.length);
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const [, index = ''] = /^blocks\.(\d+)\./.exec(name) ?? [];
      const general = name.replace(/^blocks\.\d+\./, 'blocks.{i}.');
      const [from, to] = entries.find(([key]) => general === key || general.startsWith(`${key}.`)) ?? [
        '',
        '',
      ];
      return [
        (to + general.slice(from.length)).replace('{i}', index).replace('in_proj.', 'in_proj_'),
        tensor,
      ];
    }),
  );
}

export const ones = (...shape: number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1),
});

/** nn.MultiheadAttention in a block, and a Sequential for an MLP. */
export const multihead: Renames = {
  'patch_embed.proj': 'patch_embedding.proj',
  'blocks.{i}.norm1': 'encoder.layers.{i}.norm1',
  'blocks.{i}.attn.qkv': 'encoder.layers.{i}.self_attn.in_proj',
  'blocks.{i}.attn.proj': 'encoder.layers.{i}.self_attn.out_proj',
  'blocks.{i}.norm2': 'encoder.layers.{i}.norm2',
  'blocks.{i}.mlp.fc1': 'encoder.layers.{i}.mlp.0',
  'blocks.{i}.mlp.fc2': 'encoder.layers.{i}.mlp.2',
  norm: 'encoder.norm',
  head: 'fc',
  cls_token: 'embedding.class_token',
  pos_embed: 'embedding.position_embeddings',
};

/** Of `multihead`, with q, k and v apart. */
export function split(fused: NamedArrays): Record<string, NamedArrays[string]> {
  const tensors = Object.entries(fused).flatMap(([name, { shape, data }]) => {
    const [, place, part] = /^(.*)in_proj_(weight|bias)$/.exec(name) ?? [];
    if (place === undefined) return [[name, { shape, data }] as const];
    const size = data.length / 3;
    return ['w_q', 'w_k', 'w_v'].map(
      (own, i) =>
        [`${place}${own}.${part}`, { shape: [width, ...shape.slice(1)], data: data.slice(i * size, (i + 1) * size) }] as const, // prettier-ignore
    );
  });
  return Object.fromEntries(tensors);
}
