import { namingFrom, wrapperPrefix, type Naming } from './naming.ts';

/** Hugging Face `ViTForImageClassification` and `DeiTForImageClassification`: q, k and v are stored apart. */
export function huggingfaceNaming(names: ReadonlySet<string>): Naming | undefined {
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
