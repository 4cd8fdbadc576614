import type { Naming } from './naming-contract.ts';
import type { BlockTable } from './naming-table.ts';
import { partsOf } from './stems.ts';

/** What BEiT's files have in blocks and a plain ViT's have not. */
export interface RelativeNames {
  /** The names of a canonical tensor where they are another's than a plain ViT's; else undefined. */
  stored(canonical: string): readonly string[] | undefined;
  readonly tables: NonNullable<Naming['relativeTables']>;
}

/**
 * The names of biases of relative positions, of each block or one table for all, and of a bias for queries and values beside a weight of
 * queries, keys and values; undefined where the file has no such table.
 * @param prefix what stands before the model's names
 */
export function relativeNames(
  has: (name: string) => boolean,
  prefix: string,
  { path, relative }: BlockTable,
): RelativeNames | undefined {
  if (relative === undefined) return undefined;
  const inBlock = (name: string, index: string): string =>
    `${prefix}${path.replace('{index}', index)}${name}`;
  const own = relative.own.find((name) => has(inBlock(name, '0')));
  const shared = relative.shared.map((name) => `${prefix}${name}`).find(has);
  const table = (index: string): string | undefined => (own === undefined ? shared : inBlock(own, index));
  if (table('0') === undefined) return undefined;
  const biases = relative.biases.some((name) => has(inBlock(name, '0'))) ? relative.biases : [];
  return {
    tables: own === undefined ? 'shared' : shared === undefined ? 'own' : 'both',
    stored(canonical) {
      const { index, layer, part } = partsOf(canonical);
      if (index === undefined) return undefined;
      if (layer === 'attn.relative_position_bias_table')
        return [table(index)].filter((name) => name !== undefined);
      return layer === 'attn.qkv' && part === 'bias' && biases.length > 0
        ? biases.map((name) => inBlock(name, index))
        : undefined;
    },
  };
}
