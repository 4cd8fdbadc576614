/** A key of `teacher.names`: a part of the model under its canonical name, those of blocks with `{i}` for the block's number. */
export interface ToldKey {
  readonly key: string;
  /** Every model has it. */
  readonly isUsual: boolean;
}

const usual = ['cls_token', 'pos_embed', 'patch_embed.proj', 'norm', 'head'];
const layers = ['norm1', 'attn.qkv', 'attn.proj', 'norm2', 'mlp.fc1', 'mlp.fc2'];

const rarer = ['reg_token', 'norm_pre', 'blocks.{i}.mlp.gate', 'pre_logits', 'dist_token', 'head_dist'];

export const toldKeys: readonly ToldKey[] = [
  ...usual.map((key) => ({ key, isUsual: true })),
  ...layers.map((layer) => ({ key: `blocks.{i}.${layer}`, isUsual: true })),
  ...rarer.map((key) => ({ key, isUsual: false })),
];

/** Separate queries, keys and values. */
export const listedKey = 'blocks.{i}.attn.qkv';
