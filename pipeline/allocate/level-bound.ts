import type { ScaledProblem } from './level-problem.ts';

/** Prices of the rows, not negative, with `sum of price * rise = 1`. */
export type Prices = Float64Array;

/**
 * Lagrangian bounds. For any prices, whatever the remaining blocks choose, the level is at least
 * `prices . (used - base) + sum over those blocks of min over options of prices . uses`: a weighted sum of the rows
 * cannot exceed that of their bounds. The best prices are found by subgradient ascent (Held, Wolfe and Crowder,
 * Mathematical Programming 6, 1974); the bound holds for all of them.
 */
export function leastCompletion(
  { rows, first, uses }: ScaledProblem,
  blocks: Int32Array,
  prices: Prices,
): number {
  let sum = 0;
  for (const block of blocks) {
    let least = Infinity;
    for (let option = first[block]!; option < first[block + 1]!; option++) {
      let value = 0;
      for (let row = 0; row < rows; row++) value += prices[row]! * uses[option * rows + row]!;
      if (value < least) least = value;
    }
    sum += least;
  }
  return sum;
}

export interface Ascent {
  readonly prices: Prices;
  /** No completion has a lower level. */
  readonly bound: number;
  /** Of the best completion seen on the way; infinite when none kept to the rows that do not rise. */
  readonly reached: number;
}

/**
 * @param blocks still to choose for
 * @param used by the blocks chosen, per row
 * @param target a level to prove out of reach; the ascent ends when it is
 */
export function raiseBound(
  problem: ScaledProblem,
  blocks: Int32Array,
  used: Float64Array,
  start: Prices,
  { target, steps }: { readonly target: number; readonly steps: number },
): Ascent {
  const { rows, first, uses, base, rise } = problem;
  const prices = Float64Array.from(start);
  const best = Float64Array.from(start);
  const excess = new Float64Array(rows);
  let bound = -Infinity;
  let reached = Infinity;
  let pace = 1;
  let idle = 0;
  for (let step = 0; step < steps; step++) {
    let value = 0;
    for (let row = 0; row < rows; row++) excess[row] = used[row]! - base[row]!;
    for (const block of blocks) {
      let least = Infinity;
      let pick = -1;
      for (let option = first[block]!; option < first[block + 1]!; option++) {
        let price = 0;
        for (let row = 0; row < rows; row++) price += prices[row]! * uses[option * rows + row]!;
        if (price < least) {
          least = price;
          pick = option;
        }
      }
      for (let row = 0; row < rows; row++) excess[row]! += uses[pick * rows + row]!;
    }
    let level = -Infinity;
    for (let row = 0; row < rows; row++) {
      value += prices[row]! * excess[row]!;
      if (rise[row]! > 0) level = Math.max(level, excess[row]! / rise[row]!);
      else if (excess[row]! > 0) level = Infinity;
    }
    reached = Math.min(reached, level);
    if (value > bound) {
      bound = value;
      best.set(prices);
      idle = 0;
      if (bound > target) break;
    } else if (++idle > 6) {
      pace /= 2;
      idle = 0;
      if (pace < 1e-4) break;
      prices.set(best);
      continue;
    }
    const aim = Math.min(reached, Math.max(target === Infinity ? -Infinity : target, bound) + 0.05);
    if (!ascend(prices, excess, rise, pace * (aim - value))) break;
  }
  return { prices: best, bound, reached };
}

/** One step along the subgradient, back onto the prices that are allowed. False where there is nowhere to go. */
function ascend(prices: Prices, excess: Float64Array, rise: Float64Array, gain: number): boolean {
  // Along the rising rows prices trade against each other, so only what is above their common part counts.
  let weight = 0;
  let common = 0;
  for (let row = 0; row < rise.length; row++) {
    weight += rise[row]! * rise[row]!;
    common += excess[row]! * rise[row]!;
  }
  common /= weight;
  let length = 0;
  for (let row = 0; row < rise.length; row++) {
    const slope = excess[row]! - common * rise[row]!;
    if (prices[row]! > 0 || slope > 0) length += slope * slope;
  }
  if (length < 1e-24 || gain <= 0) return false;
  for (let row = 0; row < rise.length; row++)
    prices[row] = Math.max(0, prices[row]! + (gain / length) * (excess[row]! - common * rise[row]!));
  let sum = 0;
  for (let row = 0; row < rise.length; row++) sum += prices[row]! * rise[row]!;
  for (let row = 0; row < rise.length; row++) {
    if (rise[row]! > 0) prices[row] = sum > 0 ? prices[row]! / sum : rise[row]! / weight;
  }
  return true;
}

/** Prices that only weigh the rising rows. */
export function firstPrices({ rise }: ScaledProblem): Prices {
  const weight = rise.reduce((sum, value) => sum + value * value, 0);
  return rise.map((value) => value / weight);
}
