import type { Random } from '../pipeline/util/random.ts';
import type { Item, Origin } from './contract.ts';

/** Items not drawn yet, shuffled within each class. Drawing more never changes what an earlier draw returned. */
export interface Pool {
  remaining(): number;
  /** Draws `count` items, each class in proportion to what is left of it, to within one item. */
  take(count: number, random: Random): Item[];
  /** Draws one more of a class, where there is one. */
  takeOf(label: number): Item | undefined;
  /** Forgets what was drawn, from it or from another pool. */
  dropTaken(): void;
}

/** A pool for every part of a source and one for all of it, which never draw the same item. */
export interface Pools {
  of(from: Origin): Pool;
}

/** @param randomOf shuffles the items of a part */
export function openPools(items: readonly Item[], randomOf: (from: Origin) => Random): Pools {
  const isOne = items.every(({ origin }) => origin === items[0]?.origin);
  const pools = new Map<Origin, Pool>();
  const taken = new Set<Item>();
  return {
    of(from) {
      const key = isOne ? 'all' : from;
      const own = items.filter(({ origin }) => key === 'all' || origin === key);
      const pool = pools.get(key) ?? createPool(own, randomOf(key), taken);
      pools.set(key, pool);
      // Only a pool of everything shares items with others.
      if (pools.size > 1 && pools.has('all')) pool.dropTaken();
      return pool;
    },
  };
}

/** @param taken what was drawn; shared by pools that must not draw the same */
export function createPool(items: readonly Item[], random: Random, taken = new Set<Item>()): Pool {
  const byLabel = new Map<number, Item[]>();
  for (const item of items) {
    const list = byLabel.get(item.label);
    if (list === undefined) byLabel.set(item.label, [item]);
    else list.push(item);
  }
  const sorted = [...byLabel].sort(([a], [b]) => a - b);
  const labels = sorted.map(([label]) => label);
  const lists = sorted.map(([, list]) => random.shuffle(list));
  const at = lists.map(() => 0);
  const left = () => lists.map((list, index) => list.length - at[index]!);
  return {
    remaining: () => left().reduce((a, b) => a + b, 0),
    take(count, random) {
      const drawn = shares(left(), count, random).flatMap((share, index) => {
        at[index]! += share;
        return lists[index]!.slice(at[index]! - share, at[index]);
      });
      for (const item of drawn) taken.add(item);
      return drawn;
    },
    takeOf(label) {
      const index = labels.indexOf(label);
      const item = lists[index]?.[at[index]!];
      if (item === undefined) return undefined;
      at[index]!++;
      taken.add(item);
      return item;
    },
    dropTaken() {
      lists.forEach((list, index) => {
        lists[index] = list.filter((item) => !taken.has(item));
        at[index] = 0;
      });
    },
  };
}

/**
 * Largest-remainder apportionment of `count` over `sizes`: each share is the proportional one rounded down or up, and
 * never above its size. Equal remainders are decided by `random`.
 */
export function shares(sizes: readonly number[], count: number, random: Random): number[] {
  const total = sizes.reduce((a, b) => a + b, 0);
  if (count > total) throw new Error(`cannot draw ${count} of ${total}`);
  if (total === 0) return sizes.map(() => 0);
  // Integers throughout: equal sizes must have exactly equal remainders.
  const result = sizes.map((size) => Math.floor((size * count) / total));
  const remainders = sizes.map((size) => (size * count) % total);
  const missing = count - result.reduce((a, b) => a + b, 0);
  const indices = random.shuffle(sizes.map((_, index) => index));
  indices.sort((a, b) => remainders[b]! - remainders[a]!);
  for (const index of indices.slice(0, missing)) result[index]!++;
  return result;
}
