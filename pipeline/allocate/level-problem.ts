/**
 * One option per block, several rows to keep below their bounds, and bounds that rise with a level U: row r may hold
 * `base[r] + U * rise[r]`. Which choice needs the lowest level? With the cost as a row of base 0 and rise 1, and limits
 * as rows of rise 0, that is the cheapest choice within the limits; with each limit as its own rise, the level is how
 * far all limits must be raised together, as a share.
 */
export interface LevelProblem {
  /** Block, option, row. Any finite numbers. */
  readonly blocks: readonly (readonly (readonly number[])[])[];
  readonly base: readonly number[];
  /** None negative, one at least positive. */
  readonly rise: readonly number[];
}

/** The same problem for fast arithmetic: rows shifted so that each block's least use is 0, spans and levels scaled to about 1. */
export interface ScaledProblem {
  readonly rows: number;
  readonly depth: number;
  /** Options of block i are `first[i]` to `first[i + 1]`. */
  readonly first: Int32Array;
  /** [options, rows], from 0 up. */
  readonly uses: Float64Array;
  readonly base: Float64Array;
  readonly rise: Float64Array;
  /** Rows that order partial choices in ways of their own: no other one is the same up to a factor and shifts. */
  readonly distinct: readonly number[];
}

/** Scales are powers of two, so what summed exactly before still does. */
export function scaleProblem({ blocks, base, rise }: LevelProblem): ScaledProblem {
  const rows = base.length;
  const first = new Int32Array(blocks.length + 1);
  blocks.forEach((options, block) => (first[block + 1] = first[block]! + options.length));
  const uses = new Float64Array(first[blocks.length]! * rows);
  const scaledBase = Float64Array.from(base);
  const scaledRise = Float64Array.from(rise);
  for (let row = 0; row < rows; row++) {
    const least = blocks.map((options) => Math.min(...options.map((option) => option[row]!)));
    const span = blocks.reduce(
      (sum, options, block) => sum + Math.max(...options.map((option) => option[row]!)) - least[block]!,
      0,
    );
    // A bound far above all that the options span is never met, so it may be coarse; it must not drown the others.
    const size = Math.max(span, (Math.abs(base[row]!) + rise[row]!) / 1024);
    const scale = size > 0 ? 2 ** Math.round(Math.log2(size)) : 1;
    scaledBase[row] = (base[row]! - least.reduce((sum, value) => sum + value, 0)) / scale;
    scaledRise[row] = rise[row]! / scale;
    blocks.forEach((options, block) =>
      options.forEach((option, index) => {
        uses[(first[block]! + index) * rows + row] = (option[row]! - least[block]!) / scale;
      }),
    );
  }
  // The level too: it is in units of about the span of the widest rising row.
  const steepest = Math.max(...scaledRise);
  const distinct: number[] = [];
  for (let row = 0; row < rows; row++) {
    if (!distinct.some((other) => areProportional(uses, rows, row, other))) distinct.push(row);
  }
  return {
    rows,
    depth: blocks.length,
    first,
    uses,
    base: scaledBase,
    rise: scaledRise.map((value) => value / steepest),
    distinct,
  };
}

/** Parameters, multiply-adds and bytes of a block all grow with its width alone: one of them speaks for the others. */
function areProportional(uses: Float64Array, rows: number, a: number, b: number): boolean {
  let factor = 0;
  for (let at = 0; at < uses.length; at += rows) {
    const left = uses[at + a]!;
    const right = uses[at + b]!;
    if ((left === 0) !== (right === 0)) return false;
    if (right === 0) continue;
    if (factor === 0) factor = left / right;
    else if (Math.abs(left - factor * right) > 1e-14 * left) return false;
  }
  return true;
}
