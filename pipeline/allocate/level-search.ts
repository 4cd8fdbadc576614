import { firstPrices, leastCompletion, raiseBound, type Prices } from './level-bound.ts';
import { scaleProblem, type LevelProblem, type ScaledProblem } from './level-problem.ts';
import { Staircases } from './staircase.ts';

/**
 * The `count` choices that need the lowest levels, lowest first; fewer where there are no more. Exact, up to rounding
 * in the sums: nothing is dropped that the best could be made of.
 *
 * Block by block, all partial choices are kept that no bound and no other partial choice rules out: the dominance
 * programme of Nemhauser and Ullmann (Management Science 15, 1969) for several rows, with Lagrangian bounds on what
 * a partial choice can still come to (as Marsten and Morin, Mathematical Programming 14, 1978). What is searched is
 * only up to a level just above the root's bound; while that holds too few choices, it is raised.
 */
export function lowestLevels(problem: LevelProblem, count = 1): number[][] {
  if (problem.blocks.some((options) => options.length === 0)) return [];
  const scaled = scaleProblem(problem);
  const root = raiseBound(
    scaled,
    Int32Array.from({ length: scaled.depth }, (_, block) => block),
    new Float64Array(scaled.rows),
    firstPrices(scaled),
    { target: Infinity, steps: 600 },
  );
  const order = hardLast(scaled, root.prices);
  const search: Search = { scaled, order, count, pools: Array.from(order, () => []) };
  order.forEach((_, depth) => addPrices(search, depth, root.prices));
  // A level that every choice which keeps to the other rows keeps to.
  const top = Math.max(
    ...Array.from({ length: scaled.rows }, (_, row) =>
      scaled.rise[row]! > 0 ? (mostUsed(scaled, row) - scaled.base[row]!) / scaled.rise[row]! : -Infinity,
    ),
  );
  if (root.bound > top + roundingSlack) return [];
  for (let step = firstStep; ; step *= 1.3) {
    const reached = count === 1 ? root.reached : Infinity;
    const level = Math.min(top, reached, root.bound + step) + roundingSlack;
    const found = searchUpTo(search, level);
    if (found.length >= count || level >= top) return found;
  }
}

const firstStep = 2 ** -10;
/** Sums of scaled rows, about 1 each, are off by less. */
const roundingSlack = 1e-12;

interface Search {
  readonly scaled: ScaledProblem;
  /** Blocks in the order in which they are chosen for. */
  readonly order: Int32Array;
  readonly count: number;
  /** By depth: prices that have ruled something out, with the least completion of the blocks from that depth on. */
  readonly pools: { readonly prices: Prices; readonly offset: number }[][];
}

/** Partial choices of one depth. */
interface Layer {
  readonly size: number;
  /** [size, rows] */
  readonly used: Float64Array;
  readonly parent: Int32Array;
  readonly option: Int32Array;
}

function searchUpTo(search: Search, level: number): number[][] {
  const { scaled, order, count } = search;
  const { rows } = scaled;
  const bounds = scaled.base.map((value, row) => value + level * scaled.rise[row]! + roundingSlack);
  const layers: Layer[] = [
    { size: 1, used: new Float64Array(rows), parent: Int32Array.of(-1), option: Int32Array.of(-1) },
  ];
  for (let depth = 0; depth < order.length; depth++) {
    let layer = extend(search, layers[depth]!, depth, level, bounds);
    layer = withoutHopeless(search, layer, depth + 1, level);
    layer = withoutDominated(scaled, layer, count);
    if (layer.size === 0) return [];
    layers.push(layer);
  }
  const last = layers[order.length]!;
  const levels = Array.from({ length: last.size }, (_, state) => levelOf(scaled, last.used, state));
  return Array.from(levels.keys())
    .sort((a, b) => levels[a]! - levels[b]! || a - b)
    .slice(0, count)
    .map((state) => choiceOf(scaled, order, layers, state));
}

function extend(
  { scaled, order, pools }: Search,
  layer: Layer,
  depth: number,
  level: number,
  bounds: Float64Array,
): Layer {
  const { rows, first, uses } = scaled;
  const block = order[depth]!;
  const pool = pools[depth + 1] ?? [];
  const most = layer.size * (first[block + 1]! - first[block]!);
  const used = new Float64Array(most * rows);
  const parent = new Int32Array(most);
  const chosen = new Int32Array(most);
  let size = 0;
  for (let state = 0; state < layer.size; state++) {
    options: for (let option = first[block]!; option < first[block + 1]!; option++) {
      for (let row = 0; row < rows; row++) {
        const sum = layer.used[state * rows + row]! + uses[option * rows + row]!;
        if (sum > bounds[row]!) continue options;
        used[size * rows + row] = sum;
      }
      for (const { prices, offset } of pool) {
        let value = offset;
        for (let row = 0; row < rows; row++) value += prices[row]! * used[size * rows + row]!;
        if (value > level) continue options;
      }
      parent[size] = state;
      chosen[size++] = option - first[block]!;
    }
  }
  return {
    size,
    used: used.slice(0, size * rows),
    parent: parent.slice(0, size),
    option: chosen.slice(0, size),
  };
}

const probes = 12;
const worthProbing = 200;

/**
 * Prices made for one partial choice often rule out its neighbours too, and testing prices costs far less than finding
 * them: a few partial choices get prices of their own, as long as that keeps thinning the layer out.
 */
function withoutHopeless(search: Search, layer: Layer, depth: number, level: number): Layer {
  const { scaled, order, pools } = search;
  if (depth === order.length) return layer;
  const { rows } = scaled;
  const rest = order.subarray(depth);
  let found = layer;
  while (found.size > worthProbing) {
    const before = found.size;
    for (let probe = 0; probe < probes && found.size > worthProbing; probe++) {
      const state = Math.floor(((probe + 0.5) * found.size) / probes);
      const used = found.used.subarray(state * rows, (state + 1) * rows);
      const nearest = bestPrices(pools[depth]!, used);
      const { prices, bound } = raiseBound(scaled, rest, used, nearest, { target: level, steps: 60 });
      if (bound <= level) continue;
      found = withoutPriced(found, rows, addPrices(search, depth, prices), level);
    }
    if (found.size > 0.8 * before) break;
  }
  return found;
}

function bestPrices(pool: Search['pools'][number], used: Float64Array): Prices {
  let best = pool[0]!;
  let most = -Infinity;
  for (const entry of pool) {
    const value = entry.offset + used.reduce((sum, use, row) => sum + use * entry.prices[row]!, 0);
    if (value > most) [best, most] = [entry, value];
  }
  return best.prices;
}

function addPrices(
  { scaled, order, pools }: Search,
  depth: number,
  prices: Prices,
): Search['pools'][number][number] {
  const spent = prices.reduce((sum, price, row) => sum + price * scaled.base[row]!, 0);
  const entry = { prices, offset: leastCompletion(scaled, order.subarray(depth), prices) - spent };
  pools[depth]!.push(entry);
  return entry;
}

function withoutPriced(
  layer: Layer,
  rows: number,
  { prices, offset }: Search['pools'][number][number],
  level: number,
): Layer {
  return filterLayer(layer, rows, (state) => {
    let value = offset;
    for (let row = 0; row < rows; row++) value += prices[row]! * layer.used[state * rows + row]!;
    return value <= level;
  });
}

function withoutDominated({ rows, distinct }: ScaledProblem, layer: Layer, count: number): Layer {
  const order = Array.from({ length: layer.size }, (_, state) => state);
  const { used } = layer;
  order.sort((a, b) => {
    for (const row of distinct) {
      const difference = used[a * rows + row]! - used[b * rows + row]!;
      if (difference !== 0) return difference;
    }
    return a - b;
  });
  const stairs = new Staircases(count, distinct.length - 1);
  const kept = order.filter((state) => stairs.add(distinct.slice(1).map((row) => used[state * rows + row]!)));
  const marks = new Uint8Array(layer.size);
  for (const state of kept) marks[state] = 1;
  return filterLayer(layer, rows, (state) => marks[state] === 1);
}

function filterLayer(layer: Layer, rows: number, keep: (state: number) => boolean): Layer {
  const used = new Float64Array(layer.used.length);
  const parent = new Int32Array(layer.size);
  const option = new Int32Array(layer.size);
  let size = 0;
  for (let state = 0; state < layer.size; state++) {
    if (!keep(state)) continue;
    for (let row = 0; row < rows; row++) used[size * rows + row] = layer.used[state * rows + row]!;
    parent[size] = layer.parent[state]!;
    option[size++] = layer.option[state]!;
  }
  return {
    size,
    used: used.slice(0, size * rows),
    parent: parent.slice(0, size),
    option: option.slice(0, size),
  };
}

/** Blocks whose best options are alike make partial choices many: they come last. */
function hardLast({ rows, depth, first, uses }: ScaledProblem, prices: Prices): Int32Array {
  const all = Int32Array.from({ length: depth }, (_, block) => block);
  const gaps = Array.from(all, (block) => {
    const values = [];
    for (let option = first[block]!; option < first[block + 1]!; option++)
      values.push(prices.reduce((sum, price, row) => sum + price * uses[option * rows + row]!, 0));
    values.sort((a, b) => a - b);
    return values.length > 1 ? values[1]! - values[0]! : Infinity;
  });
  return all.sort((a, b) => gaps[b]! - gaps[a]! || a - b);
}

function mostUsed({ rows, depth, first, uses }: ScaledProblem, row: number): number {
  let sum = 0;
  for (let block = 0; block < depth; block++) {
    let most = 0;
    for (let option = first[block]!; option < first[block + 1]!; option++)
      most = Math.max(most, uses[option * rows + row]!);
    sum += most;
  }
  return sum;
}

function levelOf({ rows, base, rise }: ScaledProblem, used: Float64Array, state: number): number {
  let level = -Infinity;
  for (let row = 0; row < rows; row++) {
    if (rise[row]! > 0) level = Math.max(level, (used[state * rows + row]! - base[row]!) / rise[row]!);
  }
  return level;
}

function choiceOf(
  { depth }: ScaledProblem,
  order: Int32Array,
  layers: readonly Layer[],
  state: number,
): number[] {
  const choice = new Array<number>(depth);
  for (let at = order.length; at > 0; at--) {
    choice[order[at - 1]!] = layers[at]!.option[state]!;
    state = layers[at]!.parent[state]!;
  }
  return choice;
}
