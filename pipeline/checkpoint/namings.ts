/** The libraries whose names are read. pytorch: of people's own models. told: by `teacher.names`. */
export type NamingName = 'timm' | 'huggingface' | 'torchvision' | 'pytorch' | 'told';

/** How one file names what `canonicalShapes` lists. */
export interface Naming {
  readonly name: NamingName;
  /** The stored tensors that make a canonical one; several are stacked along the first axis (separate q, k, v). */
  stored(canonical: string): readonly string[];
  /** A tensor that multiplies the outputs of the layer of a canonical tensor (LayerScale), where the file has it. */
  scale(canonical: string): string | undefined;
  /** The last norm comes after pooling (timm's `fc_norm`). */
  readonly isNormAfterPool: boolean;
  /** Of a distilled DeiT, which parts the file has: the token, and the head that reads it. */
  readonly distillation: { readonly token?: string | undefined; readonly head?: string | undefined };
  /** Whether a tensor is of another model in the file than the one that was asked for. */
  isOther(stored: string): boolean;
  /**
   * What the names say of norms: absent, of a library that has them before attention and FFN (pre-norm). assumed: nothing, and most
   * models are so. open: nn.TransformerEncoderLayer, which has them behind unless it is told otherwise.
   */
  readonly norms?: 'assumed' | 'open';
  /** The patch embedding is a matrix [D, p p C] over flat patches: by row, column, channel. */
  readonly isPatchFlat?: boolean;
  /** What was left out or is named otherwise than usual, for people. */
  readonly notes: readonly string[];
}

/**
 * A library's names as data. Keys are canonical names without `.weight` or `.bias`, values stored names below the model's
 * prefix, in which `{part}` stands for `weight` or `bias`. Of several, the first that the file has is meant.
 */
export interface NamingTable {
  readonly name: NamingName;
  /** The tensor that shows that a model of this library lies below the text before it. */
  readonly anchor: string;
  readonly frame: Readonly<Record<string, readonly string[]>>;
  /** Older and newer names of the blocks, below `path` with `{index}`. */
  readonly blocks: readonly BlockTable[];
  /** Where the library puts the head; it may also lie above the prefix. */
  readonly head: string;
  /** Of distilled DeiTs: where it puts the heads of the class token and of the distillation token. */
  readonly distilledHeads?: readonly [string, string];
  /** Part of the prefix as the library itself writes it: nothing to tell of. */
  readonly own?: RegExp;
}

export interface BlockTable {
  readonly path: string;
  /** Several names of one layer are stacked along the first axis: separate q, k, v. */
  readonly layers: Readonly<Record<string, readonly (readonly string[])[]>>;
  /** LayerScale by the layer whose outputs it multiplies. */
  readonly scales: Readonly<Record<string, readonly string[]>>;
}

const part = (name: string): string => `${name}.{part}`;
const separate = (...names: readonly string[]): readonly string[] => names.map(part);
const one = (...names: readonly string[]): readonly (readonly string[])[] =>
  names.map((name) => [part(name)]);

/** timm's `VisionTransformer`, which is also the canonical naming of this code base; DeiT's and MAE's own code agree. */
const timm: NamingTable = {
  name: 'timm',
  anchor: 'patch_embed.proj.weight',
  frame: {
    cls_token: ['cls_token'],
    dist_token: ['dist_token'],
    pos_embed: ['pos_embed'],
    'patch_embed.proj': ['patch_embed.proj.{part}'],
    norm: ['norm.{part}', 'fc_norm.{part}'],
    pre_logits: ['pre_logits.{part}', 'pre_logits.fc.{part}'],
  },
  blocks: [
    {
      path: 'blocks.{index}.',
      layers: {
        norm1: one('norm1'),
        'attn.qkv': [...one('attn.qkv'), separate('attn.q_proj', 'attn.k_proj', 'attn.v_proj'), separate('attn.q', 'attn.k', 'attn.v')], // prettier-ignore
        'attn.proj': one('attn.proj'),
        norm2: one('norm2'),
        'mlp.fc1': one('mlp.fc1'),
        'mlp.fc2': one('mlp.fc2'),
      },
      scales: { 'attn.proj': ['ls1.gamma', 'gamma_1'], 'mlp.fc2': ['ls2.gamma', 'gamma_2'] },
    },
  ],
  head: 'head',
  distilledHeads: ['head', 'head_dist'],
};

const huggingfaceScales = {
  'attn.proj': ['layer_scale1.lambda1', 'lambda_1'],
  'mlp.fc2': ['layer_scale2.lambda1', 'lambda_2'],
};

/** Hugging Face `ViTForImageClassification` and `DeiTForImageClassificationWithTeacher`: as saved, and as transformers 5 names the same tensors in memory. */
const huggingface: NamingTable = {
  name: 'huggingface',
  anchor: 'embeddings.patch_embeddings.projection.weight',
  frame: {
    cls_token: ['embeddings.cls_token'],
    dist_token: ['embeddings.distillation_token'],
    pos_embed: ['embeddings.position_embeddings'],
    'patch_embed.proj': ['embeddings.patch_embeddings.projection.{part}'],
    norm: ['layernorm.{part}'],
  },
  blocks: [
    {
      path: 'encoder.layer.{index}.',
      layers: {
        norm1: one('layernorm_before'),
        'attn.qkv': [
          separate('attention.attention.query', 'attention.attention.key', 'attention.attention.value'),
        ],
        'attn.proj': one('attention.output.dense'),
        norm2: one('layernorm_after'),
        'mlp.fc1': one('intermediate.dense'),
        'mlp.fc2': one('output.dense'),
      },
      scales: huggingfaceScales,
    },
    {
      path: 'layers.{index}.',
      layers: {
        norm1: one('layernorm_before'),
        'attn.qkv': [separate('attention.q_proj', 'attention.k_proj', 'attention.v_proj')],
        'attn.proj': one('attention.o_proj'),
        norm2: one('layernorm_after'),
        'mlp.fc1': one('mlp.fc1'),
        'mlp.fc2': one('mlp.fc2'),
      },
      scales: huggingfaceScales,
    },
  ],
  head: 'classifier',
  distilledHeads: ['cls_classifier', 'distillation_classifier'],
  own: /(?:^|\.)(?:vit|deit)\.$/,
};

/** torchvision's `VisionTransformer` (`vit_b_16`, ...), whose MLP was named `linear_1` before it became `0` and `3`. */
const torchvision: NamingTable = {
  name: 'torchvision',
  anchor: 'conv_proj.weight',
  frame: {
    cls_token: ['class_token'],
    pos_embed: ['encoder.pos_embedding'],
    'patch_embed.proj': ['conv_proj.{part}'],
    norm: ['encoder.ln.{part}'],
    pre_logits: ['heads.pre_logits.{part}'],
  },
  blocks: [
    {
      path: 'encoder.layers.encoder_layer_{index}.',
      layers: {
        norm1: one('ln_1'),
        'attn.qkv': [['self_attention.in_proj_{part}']],
        'attn.proj': one('self_attention.out_proj'),
        norm2: one('ln_2'),
        'mlp.fc1': one('mlp.0', 'mlp.linear_1'),
        'mlp.fc2': one('mlp.3', 'mlp.linear_2'),
      },
      scales: {},
    },
  ],
  head: 'heads.head',
};

export const namings: readonly NamingTable[] = [timm, huggingface, torchvision];
