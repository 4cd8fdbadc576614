import { hiddenUnits, type Architecture } from '../../pipeline/model/architecture.ts';
import { ffnCosts, frameCosts } from '../../pipeline/model/costs.ts';
import { canonicalShapes } from '../../pipeline/model/host-weights.ts';

export const partNames = ['embedding', 'attention', 'FFN', 'head'] as const;
type Parts = Readonly<Record<(typeof partNames)[number], number>>;

/** What a ViT's parameters and multiply-adds are made of; norms are counted with what they stand before. */
export function partsOf(architecture: Architecture): { readonly params: Parts; readonly macs: Parts } {
  const params = { embedding: 0, attention: 0, FFN: 0, head: 0 };
  for (const [name, shape] of Object.entries(canonicalShapes(architecture))) {
    params[partOf(name)] += shape.reduce((product, extent) => product * extent, 1);
  }
  const { width, classes } = architecture;
  const patch = canonicalShapes(architecture)['patch_embed.proj.weight'] ?? [];
  const tokens = (canonicalShapes(architecture)['pos_embed']?.[1] ?? 1) - 1;
  const embedding = tokens * patch.reduce((product, extent) => product * extent, 1);
  const head = width * classes;
  return {
    params,
    macs: {
      embedding,
      attention: frameCosts(architecture).macs - embedding - head,
      FFN: ffnCosts(architecture, hiddenUnits(architecture)).macs,
      head,
    },
  };
}

function partOf(name: string): keyof Parts {
  if (/\.(mlp|norm2)\./.test(name)) return 'FFN';
  if (name.startsWith('blocks.')) return 'attention';
  return /^(head|norm)\./.test(name) ? 'head' : 'embedding';
}
