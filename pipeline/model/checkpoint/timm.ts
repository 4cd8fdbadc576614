import { namingFrom, wrapperPrefix, type Naming } from './naming.ts';

/** timm's `VisionTransformer`, and the canonical naming of this code base. */
export function timmNaming(names: ReadonlySet<string>): Naming | undefined {
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
