import type { Naming } from './naming-contract.ts';
import type { BlockTable } from './naming-table.ts';
import { partsOf } from './stems.ts';

/** The tables that BEiT's files have and a plain ViT's have not. */
export interface RelativeNames {
  /** The names of a canonical table; undefined for other tensors. */
  stored(canonical: string): readonly string[] | undefined;
  readonly tables: NonNullable<Naming['relativeTables']>;
}

/**
 * The names of biases of relative positions, of each block or one table for all; undefined where the file has no such table.
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
  return {
    tables: own === undefined ? 'shared' : shared === undefined ? 'own' : 'both',
    stored(canonical) {
      const { index, layer } = partsOf(canonical);
      return index === undefined || layer !== 'attn.relative_position_bias_table'
        ? undefined
        : [table(index)].filter((name) => name !== undefined);
    },
  };
}
