import type { SlicedModel } from '../../pipeline/slicing/sliced-model.ts';
import { range, scaled } from './models.ts';

/** The factors 1, and 0 for the indices from `from` to `to`. */
export function holed(size: number, from: number, to: number): Float32Array {
  return new Float32Array(size).fill(1).fill(0, from, to);
}

/** The model with what writes to the stream times a factor per channel. */
export function channelsScaled(model: SlicedModel, factors: ArrayLike<number>): SlicedModel {
  let result = model;
  for (const name of ['cls_token', 'pos_embed']) result = scaled(result, name, 'last', factors);
  const writers = range(model.architecture.depth).flatMap((i) => [
    `blocks.${i}.attn.proj`,
    `blocks.${i}.mlp.fc2`,
  ]);
  for (const layer of ['patch_embed.proj', ...writers]) {
    for (const part of ['weight', 'bias']) result = scaled(result, `${layer}.${part}`, 'first', factors);
  }
  return result;
}

/** The model with a layer's queries (`keys`), head outputs (`values`) or hidden units times a factor each. */
export function layerScaled(
  model: SlicedModel,
  layer: number,
  axis: 'keys' | 'values' | 'units',
  factors: ArrayLike<number>,
): SlicedModel {
  const block = `blocks.${layer}`;
  if (axis === 'values') return scaled(model, `${block}.attn.proj.weight`, 'last', factors);
  if (axis === 'units') return scaled(model, `${block}.mlp.fc2.weight`, 'last', factors);
  const queries = scaled(model, `${block}.attn.qkv.weight`, 'first', factors);
  return scaled(queries, `${block}.attn.qkv.bias`, 'first', factors);
}
