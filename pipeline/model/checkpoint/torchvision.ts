import { namingFrom, wrapperPrefix, type Naming } from './naming.ts';

/** torchvision's `VisionTransformer` (`vit_b_16`, ...), whose MLP was named `linear_1` before it became `0` and `3`. */
export function torchvisionNaming(names: ReadonlySet<string>): Naming | undefined {
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
