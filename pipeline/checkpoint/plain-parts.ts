/**
 * How people name the parts of a ViT that they write in plain PyTorch: patterns of names without `.weight` and `.bias`. Those of a
 * block stand below its number. A part is found where exactly one tensor of the right shape has such a name.
 */
const norm = '(?:norm|ln|layer_?norm)';
const attention = String.raw`(?:\w*(?:attn|attention|mha|msa)\w*|sa)`;
const feedForward = String.raw`(?:\w*(?:mlp|feed_?forward)\w*|ffn?)`;

/** Attention and FFN in a list, as vit-pytorch (`layers.0.0.to_qkv`, `layers.0.1.net.1`) has them, count as well. */
const inAttention = String.raw`(?:${attention}|0)\.(?:\w+\.)*`;
const inFeedForward = String.raw`(?:${feedForward}|1)\.(?:\w+\.)*`;

const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`, 'i');
const last = (pattern: string): RegExp => new RegExp(String.raw`(?:^|\.)(?:${pattern})$`, 'i');

/** Vectors of the width. */
export const blockNorms = {
  norm1: whole(
    String.raw`${norm}_?(?:1|before)|${norm}_${attention}|${attention}_?${norm}|${inAttention}${norm}\d?`,
  ),
  norm2: whole(
    String.raw`${norm}_?(?:2|after)|${norm}_${feedForward}|${feedForward}_?${norm}|${inFeedForward}(?:${norm}\d?|0)`,
  ),
} as const;

/** Fused queries, keys and values: `in_proj` is nn.MultiheadAttention's. */
export const fused = last('in_proj|(?:to_)?qkv(?:_proj|_linear|_layer)?|w_?qkv');

/** Separate ones, in this order; the parts before the last must be alike. */
export const separate = ['q|query|queries', 'k|key|keys', 'v|value|values'].map((names) =>
  last(String.raw`(?:to_|w_?|linear_|proj_|fc_)?(?:${names})(?:_?(?:proj|linear|lin|layer))?`),
);

/** The other matrix below it is the attention's projection. */
export const isOfAttention = whole(String.raw`${inAttention}\w+|proj|out_proj`);

/** LayerScale by the layer whose outputs it multiplies. */
export const blockScales = {
  'attn.proj': whole(String.raw`ls_?1\.\w+|gamma_?1|layer_?scale_?1(?:\.\w+)?`),
  'mlp.fc2': whole(String.raw`ls_?2\.\w+|gamma_?2|layer_?scale_?2(?:\.\w+)?`),
} as const;

export const classToken = last('(?:cls|class)_?(?:tokens?|embed(?:ding)?|emb)?');
export const positions = last(
  String.raw`pos(?:itions?|itional)?(?:_?(?:embed(?:ding)?s?|emb|enc(?:oding)?s?|tokens?))?(?:\.(?:weight|pe|pos_embed(?:ding)?))?`,
);

/** Of the encoder's outputs; the first part of a head counts, whatever stands between. */
export const lastNorm = last(
  String.raw`(?:(?:final|last|post|out|head|encoder|transformer)_?)?${norm}(?:_?(?:f|final|last|post|out|head))?|(?:\w*head|classifier)\.0`,
);
/** Where the last norm is the first part of the head, it comes after pooling. */
export const normInHead = last(String.raw`(?:\w*head|classifier)\.(?:0|${norm})`);
/** What lies there is no last norm. */
export const beforeBlocks = /patch|embed|pre_?norm|norm_?pre|ln_?pre|stem/i;

/** vit-pytorch's: a matrix over patches that `Rearrange('... -> b (h w) (p1 p2 c)')` makes flat. */
export const flatPatches = last(String.raw`to_patch_embedding\.1|patch_to_embedding`);
/** The newer ones, whose norms no convolution can have. */
export const normedPatches = last(String.raw`to_patch_embedding\.[123]`);
