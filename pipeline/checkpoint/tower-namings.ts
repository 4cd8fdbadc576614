import { gatedMlp, huggingfaceScales, one, separate, type NamingTable } from './naming-table.ts';

/** Hugging Face `DINOv3ViTModel`, whose positions are rotary alone. */
export const dinov3: NamingTable = {
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
  rotary: true,
};

/** Hugging Face `CLIPModel`, `SiglipModel`, their image towers alone, and their classifiers; older files have `vision_model.` before all. */
export const clip: NamingTable = {
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
  classifiers: [
    {
      title: 'CLIPForImageClassification',
      head: 'classifier',
      classToken: true,
      pool: 'unnormed-mean',
      idle: ['post_layernorm.'],
    },
    {
      title: 'SiglipForImageClassification',
      head: 'classifier',
      classToken: false,
      pool: 'mean',
      idle: ['head.'],
    },
  ],
  own: /(?:^|\.)vision_model\.$/,
};

/** OpenAI's CLIP and OpenCLIP: `visual` of the whole, or that alone. */
export const openclip: NamingTable = {
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
