import { type Naming, namingFrom, wrapperPrefix } from './naming.ts';

/** The family that `names` belong to; undefined where none. */
export function detectNaming(names: ReadonlySet<string>): Naming | undefined {
  return timmNaming(names) ?? huggingfaceNaming(names) ?? torchvisionNaming(names);
}

/** timm's `VisionTransformer`, and the canonical naming of this code base. */
function timmNaming(names: ReadonlySet<string>): Naming | undefined {
  const prefix = wrapperPrefix(names, /patch_embed\.proj\.weight$/);
  if (prefix === undefined) return undefined;
  const same = (name: string): string => `${prefix}${name}`;
  const layers = ['norm1', 'attn.qkv', 'attn.proj', 'norm2', 'mlp.fc1', 'mlp.fc2'];
  return namingFrom({
    name: 'timm',
    frame: {
      cls_token: same('cls_token'),
      pos_embed: same('pos_embed'),
      'patch_embed.proj': same('patch_embed.proj.{part}'),
      norm: same('norm.{part}'),
      head: same('head.{part}'),
    },
    block: same('blocks.{index}.'),
    layer: Object.fromEntries(layers.map((layer) => [layer, [`${layer}.{part}`]])),
  });
}

/** Hugging Face `ViTForImageClassification` and `DeiTForImageClassification`: q, k and v are stored apart. */
function huggingfaceNaming(names: ReadonlySet<string>): Naming | undefined {
  const prefix = wrapperPrefix(names, /(?:vit\.|deit\.|)embeddings\.patch_embeddings\.projection\.weight$/);
  if (prefix === undefined) return undefined;
  // A bare ViTModel has no base prefix (and no classifier, which is reported as missing).
  const base = ['vit.', 'deit.'].find((name) => names.has(`${prefix}${name}embeddings.cls_token`)) ?? '';
  const model = `${prefix}${base}`;
  return namingFrom({
    name: 'huggingface',
    frame: {
      cls_token: `${model}embeddings.cls_token`,
      pos_embed: `${model}embeddings.position_embeddings`,
      'patch_embed.proj': `${model}embeddings.patch_embeddings.projection.{part}`,
      norm: `${model}layernorm.{part}`,
      head: `${prefix}classifier.{part}`,
    },
    block: `${model}encoder.layer.{index}.`,
    layer: {
      norm1: ['layernorm_before.{part}'],
      'attn.qkv': ['query', 'key', 'value'].map((name) => `attention.attention.${name}.{part}`),
      'attn.proj': ['attention.output.dense.{part}'],
      norm2: ['layernorm_after.{part}'],
      'mlp.fc1': ['intermediate.dense.{part}'],
      'mlp.fc2': ['output.dense.{part}'],
    },
    // The pooler and the mask token belong to other tasks: a classifier's forward pass does not touch them.
    ignored: /(?:^|\.)(?:pooler\.dense\.(?:weight|bias)|embeddings\.(?:mask_token|position_ids))$/,
  });
}

/** torchvision's `VisionTransformer` (`vit_b_16`, ...), whose MLP was named `linear_1` before it became `0` and `3`. */
function torchvisionNaming(names: ReadonlySet<string>): Naming | undefined {
  const prefix = wrapperPrefix(names, /conv_proj\.weight$/);
  if (prefix === undefined) return undefined;
  const layers = `${prefix}encoder.layers.encoder_layer_`;
  const old = names.has(`${layers}0.mlp.linear_1.weight`);
  return namingFrom({
    name: 'torchvision',
    frame: {
      cls_token: `${prefix}class_token`,
      pos_embed: `${prefix}encoder.pos_embedding`,
      'patch_embed.proj': `${prefix}conv_proj.{part}`,
      norm: `${prefix}encoder.ln.{part}`,
      head: `${prefix}heads.head.{part}`,
    },
    block: `${layers}{index}.`,
    layer: {
      norm1: ['ln_1.{part}'],
      'attn.qkv': ['self_attention.in_proj_{part}'],
      'attn.proj': ['self_attention.out_proj.{part}'],
      norm2: ['ln_2.{part}'],
      'mlp.fc1': [old ? 'mlp.linear_1.{part}' : 'mlp.0.{part}'],
      'mlp.fc2': [old ? 'mlp.linear_2.{part}' : 'mlp.3.{part}'],
    },
  });
}
