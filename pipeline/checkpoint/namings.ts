import type { NamingName } from './naming-contract.ts';

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
  /** The library's class has no head of its own. */
  readonly isTower?: boolean;
  /** The head projects into a space of images and texts; transposed: it is stored as [D, P]. */
  readonly projection?: 'plain' | 'transposed';
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

const poolLayers = ['q', 'kv', 'proj', 'norm', 'mlp.fc1', 'mlp.fc2'] as const;

/** timm's `VisionTransformer` and `Eva`, which is also the canonical naming of this code base; DeiT's and MAE's own code agree. */
const timm: NamingTable = {
  name: 'timm',
  anchor: 'patch_embed.proj.weight',
  frame: {
    cls_token: ['cls_token'],
    dist_token: ['dist_token'],
    pos_embed: ['pos_embed'],
    reg_token: ['reg_token', 'register_tokens'],
    'patch_embed.proj': ['patch_embed.proj.{part}'],
    norm_pre: ['norm_pre.{part}'],
    norm: ['norm.{part}', 'fc_norm.{part}'],
    'attn_pool.latent': ['attn_pool.latent'],
    ...Object.fromEntries(poolLayers.map((layer) => [`attn_pool.${layer}`, [part(`attn_pool.${layer}`)]])),
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
        // w12 and a fc1 of twice the hidden units are gate and value in one.
        'mlp.fc1': one('mlp.fc1_x', 'mlp.w12', 'mlp.fc1'),
        'mlp.gate': one('mlp.fc1_g', 'mlp.w12', 'mlp.fc1'),
        'mlp.fc2': one('mlp.w3', 'mlp.fc2'),
      },
      scales: { 'attn.proj': ['ls1.gamma', 'gamma_1'], 'mlp.fc2': ['ls2.gamma', 'gamma_2'] },
    },
  ],
  head: 'head',
  distilledHeads: ['head', 'head_dist'],
};

/** DINOv2's and DINOv3's; `weights_in` is gate and value in one. */
const gatedMlp = {
  'mlp.fc1': one('mlp.up_proj', 'mlp.weights_in', 'mlp.fc1'),
  'mlp.gate': one('mlp.gate_proj', 'mlp.weights_in', 'mlp.fc1'),
  'mlp.fc2': one('mlp.down_proj', 'mlp.weights_out', 'mlp.fc2'),
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
    reg_token: ['embeddings.register_tokens'],
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
        'mlp.gate': one('intermediate.gate'),
        'mlp.fc2': one('output.dense'),
      },
      scales: huggingfaceScales,
    },
    {
      path: 'encoder.layer.{index}.',
      layers: {
        norm1: one('norm1'),
        'attn.qkv': [
          separate('attention.attention.query', 'attention.attention.key', 'attention.attention.value'),
        ],
        'attn.proj': one('attention.output.dense'),
        norm2: one('norm2'),
        ...gatedMlp,
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
        'mlp.gate': one('mlp.gate'),
        'mlp.fc2': one('mlp.fc2'),
      },
      scales: huggingfaceScales,
    },
  ],
  head: 'classifier',
  distilledHeads: ['cls_classifier', 'distillation_classifier'],
  own: /(?:^|\.)(?:vit|deit|dinov2|dinov2_with_registers)\.$/,
};

/** Hugging Face `DINOv3ViTModel`, whose positions are rotary alone. */
const dinov3: NamingTable = {
  name: 'huggingface',
  anchor: 'embeddings.patch_embeddings.weight',
  frame: {
    cls_token: ['embeddings.cls_token'],
    reg_token: ['embeddings.register_tokens'],
    pos_embed: ['embeddings.position_embeddings'],
    'patch_embed.proj': ['embeddings.patch_embeddings.{part}'],
    norm: ['norm.{part}', 'layernorm.{part}'],
  },
  blocks: ['layer.{index}.', 'model.layer.{index}.', 'encoder.layer.{index}.'].map((path) => ({
    path,
    layers: {
      norm1: one('norm1'),
      'attn.qkv': [separate('attention.q_proj', 'attention.k_proj', 'attention.v_proj')],
      'attn.proj': one('attention.o_proj'),
      norm2: one('norm2'),
      ...gatedMlp,
    },
    scales: huggingfaceScales,
  })),
  head: 'classifier',
  isTower: true,
};

/** Hugging Face `CLIPVisionModelWithProjection`, `CLIPVisionModel` and `SiglipVisionModel`; older files have `vision_model.` before all. */
const clip: NamingTable = {
  name: 'huggingface',
  anchor: 'embeddings.patch_embedding.weight',
  frame: {
    cls_token: ['embeddings.class_embedding'],
    pos_embed: ['embeddings.position_embedding.weight'],
    'patch_embed.proj': ['embeddings.patch_embedding.{part}'],
    norm_pre: ['pre_layrnorm.{part}'],
    norm: ['post_layernorm.{part}'],
    'attn_pool.latent': ['head.probe'],
    'attn_pool.proj': ['head.attention.out_proj.{part}'],
    'attn_pool.norm': ['head.layernorm.{part}'],
    'attn_pool.mlp.fc1': ['head.mlp.fc1.{part}'],
    'attn_pool.mlp.fc2': ['head.mlp.fc2.{part}'],
    // One matrix of query, key and value.
    'attn_pool.q': ['head.attention.in_proj_{part}'],
    'attn_pool.kv': ['head.attention.in_proj_{part}'],
  },
  blocks: [
    {
      path: 'encoder.layers.{index}.',
      layers: {
        norm1: one('layer_norm1'),
        'attn.qkv': [separate('self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj')],
        'attn.proj': one('self_attn.out_proj'),
        norm2: one('layer_norm2'),
        'mlp.fc1': one('mlp.fc1'),
        'mlp.gate': one('mlp.gate'),
        'mlp.fc2': one('mlp.fc2'),
      },
      scales: {},
    },
  ],
  head: 'visual_projection',
  projection: 'plain',
  own: /(?:^|\.)vision_model\.$/,
};

/** OpenAI's CLIP and OpenCLIP: `visual` of the whole, or that alone. */
const openclip: NamingTable = {
  name: 'openclip',
  // A first convolution is many a network's.
  anchor: 'ln_pre.weight',
  frame: {
    cls_token: ['class_embedding'],
    pos_embed: ['positional_embedding'],
    'patch_embed.proj': ['conv1.{part}'],
    norm_pre: ['ln_pre.{part}'],
    norm: ['ln_post.{part}'],
  },
  blocks: [
    {
      path: 'transformer.resblocks.{index}.',
      layers: {
        norm1: one('ln_1'),
        'attn.qkv': [['attn.in_proj_{part}']],
        'attn.proj': one('attn.out_proj'),
        norm2: one('ln_2'),
        'mlp.fc1': one('mlp.c_fc'),
        'mlp.gate': one('mlp.gate'),
        'mlp.fc2': one('mlp.c_proj'),
      },
      scales: { 'attn.proj': ['ls_1.gamma'], 'mlp.fc2': ['ls_2.gamma'] },
    },
  ],
  head: 'proj',
  projection: 'transposed',
  own: /(?:^|\.)visual\.$/,
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
        'mlp.gate': one('mlp.gate'),
        'mlp.fc1': one('mlp.0', 'mlp.linear_1'),
        'mlp.fc2': one('mlp.3', 'mlp.linear_2'),
      },
      scales: {},
    },
  ],
  head: 'heads.head',
};

export const namings: readonly NamingTable[] = [timm, huggingface, dinov3, clip, torchvision, openclip];
