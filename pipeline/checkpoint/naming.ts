export type NamingName = 'timm' | 'huggingface' | 'torchvision';

/** How one family of checkpoints names what `canonicalShapes` lists, for one file and its prefixes. */
export interface Naming {
  readonly name: NamingName;
  /** The stored tensors that make a canonical one; several are stacked along the first axis (separate q, k, v). */
  stored(canonical: string): readonly string[];
  /** True for tensors the forward pass of a classifier never uses. */
  ignores(stored: string): boolean;
}

/**
 * A family as a table. Keys are canonical names without `.weight` or `.bias`, values stored names in which `{part}`
 * stands for `weight` or `bias`. `frame` names are complete; `layer` names are below `block`, with `{index}`.
 */
export interface NamingTable {
  readonly name: NamingName;
  readonly frame: Readonly<Record<string, string>>;
  readonly block: string;
  readonly layer: Readonly<Record<string, readonly string[]>>;
  readonly ignored?: RegExp;
}

/** A canonical name taken apart: `blocks.3.mlp.fc1.weight` -> 3, `mlp.fc1`, `weight`. */
function parts(canonical: string): { index: string | undefined; layer: string; part: string } {
  const [, index, layer = '', part = ''] =
    /^(?:blocks\.(\d+)\.)?(.*?)(?:\.(weight|bias))?$/.exec(canonical) ?? [];
  return { index, layer, part };
}

export function namingFrom(table: NamingTable): Naming {
  return {
    name: table.name,
    stored(canonical) {
      const { index, layer, part } = parts(canonical);
      const templates =
        index === undefined
          ? [table.frame[layer]!]
          : table.layer[layer]!.map((name) => table.block.replace('{index}', index) + name);
      return templates.map((template) => template.replace('{part}', part));
    },
    ignores: (stored) => table.ignored?.test(stored) ?? false,
  };
}

/**
 * What training wrappers put before every name (`module.` of DataParallel, `_orig_mod.` of torch.compile, ...):
 * the text before `anchor` where it consists of nothing else.
 */
export function wrapperPrefix(names: ReadonlySet<string>, anchor: RegExp): string | undefined {
  for (const name of names) {
    const found = anchor.exec(name);
    if (found === null) continue;
    const prefix = name.slice(0, found.index);
    if (/^(?:(?:module|model|_orig_mod|timm_model|state_dict)\.)*$/.test(prefix)) return prefix;
  }
  return undefined;
}

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
