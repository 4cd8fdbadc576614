import type { Manifest } from '../../../pipeline/library/manifest.ts';

type Costs = { readonly params: number; readonly macs: number };

/** Of the frame of a small ViT on images of 224 x 224. */
const frame: Costs = { params: 7_800_000, macs: 1_740_000_000 };

/** @param chosen one descendant per block */
export function costsOfModel(blocks: Manifest['blocks'], chosen: readonly Costs[]): Costs {
  if (chosen.length !== blocks.length) throw new Error('one descendant per block');
  const sum = (key: keyof Costs) => chosen.reduce((total, costs) => total + costs[key], frame[key]);
  return { params: sum('params'), macs: sum('macs') };
}
