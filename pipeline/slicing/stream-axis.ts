import { headNames, type Architecture } from '../model/architecture.ts';

/** Where a tensor of a sliced ViT meets the residual stream: its first axis is what a layer writes, its last what is read or lies in it. */
export function streamAxis(name: string): 'first' | 'last' | undefined {
  if (/^(patch_embed\.proj|blocks\.\d+\.(attn\.proj|mlp\.fc2))\.(weight|bias)$/.test(name)) return 'first';
  if (
    /^(cls_token|dist_token|pos_embed|head(_dist)?\.weight)$|norm\d?\.weight$|\.(attn\.qkv|mlp\.fc1)\.weight$/.test(
      name,
    )
  ) {
    return 'last';
  }
  return undefined;
}

/** Of the tokens before the patches, and of the positions of all: they lie in the stream. */
export function isToken(name: string): boolean {
  return /^(cls_token|dist_token|pos_embed)$/.test(name);
}

/** The layers that read the stream, each with the norm before it. */
export function streamReaders(
  architecture: Architecture,
): readonly { readonly norm: string; readonly layer: string }[] {
  const { depth } = architecture;
  const ofBlocks = Array.from({ length: depth }, (_, i) => [
    { norm: `blocks.${i}.norm1`, layer: `blocks.${i}.attn.qkv` },
    { norm: `blocks.${i}.norm2`, layer: `blocks.${i}.mlp.fc1` },
  ]);
  return [...ofBlocks.flat(), ...headNames(architecture).map((layer) => ({ norm: 'norm', layer }))];
}
