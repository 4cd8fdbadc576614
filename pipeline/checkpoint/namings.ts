import { gatedMlp, huggingfaceScales, one, part, separate, type NamingTable } from './naming-table.ts';
import { clip, dinov3, openclip } from './tower-namings.ts';

export type { BlockTable, NamingTable } from './naming-table.ts';

const biasTable = 'relative_position_bias_table';
const huggingfaceRelative = {
  own: ['attention.attention.relative_position_bias', 'relative_position_bias'].map((name) => `${name}.${biasTable}`), // prettier-ignore
  shared: ['encoder.relative_position_bias', 'shared_position_bias'].map((name) => `${name}.${biasTable}`),
};
const poolLayers = ['q', 'kv', 'proj', 'norm', 'mlp.fc1', 'mlp.fc2'] as const;

/** timm's `VisionTransformer`, `Eva` and `Beit`, which is also the canonical naming of this code base; DeiT's and MAE's own code agree. */
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
      relative: {
        own: [`attn.${biasTable}`],
        shared: [`rel_pos_bias.${biasTable}`],
      },
      biases: ['attn.q_bias', 'attn.k_bias', 'attn.v_bias'],
    },
  ],
  head: 'head',
  distilledHeads: ['head', 'head_dist'],
  // `Eva`, as which timm has DINOv3; its `VisionTransformer` without positions has none.
  rotary: 'gamma_1',
};

/** Hugging Face `ViTForImageClassification`, `DeiTForImageClassificationWithTeacher`, `BeitForImageClassification` and `Data2VecVisionForImageClassification`: as saved, and as transformers 5 names the same tensors in memory. */
const huggingface: NamingTable = {
  name: 'huggingface',
  anchor: 'embeddings.patch_embeddings.projection.weight',
  frame: {
    cls_token: ['embeddings.cls_token'],
    dist_token: ['embeddings.distillation_token'],
    reg_token: ['embeddings.register_tokens'],
    pos_embed: ['embeddings.position_embeddings'],
    'patch_embed.proj': ['embeddings.patch_embeddings.projection.{part}'],
    norm: ['layernorm.{part}', 'pooler.layernorm.{part}'],
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
      relative: huggingfaceRelative,
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
      relative: huggingfaceRelative,
    },
  ],
  head: 'classifier',
  distilledHeads: ['cls_classifier', 'distillation_classifier'],
  own: /(?:^|\.)(?:vit|deit|dinov2|dinov2_with_registers|beit|data2vec_vision)\.$/,
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
