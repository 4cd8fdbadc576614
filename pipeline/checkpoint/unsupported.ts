import type { Naming } from './naming-contract.ts';

/** Parts of other models that are recognised by their tensors' names, with the reason they are refused. */
const parts: readonly (readonly [RegExp, string])[] = [
  [
    /\.(?:lora_[AB]|base_layer)\./,
    'LoRA adapters that are not merged: model.merge_and_unload() does that, then save it again',
  ],
  [/\.(?:q_norm|k_norm|query_norm|key_norm)\./, 'normalised queries and keys (qk-norm)'],
  [
    /\.(?:cpb_mlp|continuous_position_bias_mlp)\.|\.(?:attn|self|attention)\.logit_scale$/,
    'a Swin v2 (cosine attention, continuous position bias): Swin v1 is read',
  ],
  [
    /(?:^|\.)rope\.freqs$/,
    'rotary positions that were trained (vit_*_rope_mixed_*): those of DINOv3 are read',
  ],
  [/\.mlp\.norm\./, 'a LayerNorm inside the feed-forward block'],
  [
    /\.\d+\.(?:attn_out_proj|mlp_out_proj|attns\.\d+|ffns\.\d+)\./,
    'attentions and feed-forward layers side by side in a block (parallel blocks)',
  ],
  [
    /(?:^|\.)patch_embed\.(?:backbone|norm|conv)/,
    'a patch embedding that is more than one convolution (hybrid models)',
  ],
];

/** Where it is not read with the tables that BEiT has. */
const otherPositions = [
  /relative_position|rel_pos/,
  "relative positions of another kind than BEiT's",
] as const;

/** Where it stands beside the norm before pooling instead of for it. */
const secondNorm = [
  /(?:^|\.)fc_norm\./,
  'a norm after average pooling (fc_norm) beside the last norm',
] as const;

/**
 * What `names` show to be unsupported, each with the tensors that show it.
 * @param naming how the file is read
 */
export function unsupportedParts(
  names: Iterable<string>,
  { isNormAfterPool, relativeTables }: Pick<Naming, 'isNormAfterPool' | 'relativeTables'>,
): { why: string; tensors: string[] }[] {
  const all = [...names];
  return [
    ...parts,
    ...(relativeTables === undefined ? [otherPositions] : []),
    ...(isNormAfterPool ? [] : [secondNorm]),
  ]
    .map(([pattern, why]) => ({ why, tensors: all.filter((name) => pattern.test(name)) }))
    .filter(({ tensors }) => tensors.length > 0);
}

/** "a, b, c and 9 more" */
export function listed(names: readonly string[], limit = 6): string {
  const shown = names.slice(0, limit).join(', ');
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}
