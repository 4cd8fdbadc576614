/** One model: the sum of its blocks' costs and its measured loss of top-1, in percentage points. */
export interface Sample {
  readonly cost: number;
  readonly lossPp: number;
}

/** `loss = ceilingPp * (1 - exp(-(cost / scale) ^ exponent))`, 0 for a cost of 0 or less. */
export interface Curve {
  /** The most there is to lose: the teacher's top-1 minus chance. */
  readonly ceilingPp: number;
  /** Cost at which 63 % of it is lost. */
  readonly scale: number;
  readonly exponent: number;
}

export function predictLossPp({ ceilingPp, scale, exponent }: Curve, cost: number): number {
  return cost > 0 ? -ceilingPp * Math.expm1(-((cost / scale) ** exponent)) : 0;
}

/**
 * Fits scale and exponent to measured models by least squares. Costs of single blocks do not add up to the loss of a
 * composition, but the order they give is good; one monotone curve, through "nothing lost at no cost" and saturating at
 * chance, is all that is corrected. Two parameters, so a dozen models are enough and nothing can be memorised.
 *
 * A grid over (log scale, exponent), zoomed in on its best cell: the same on every machine, and no local minimum of a
 * smooth two-parameter curve hides from it.
 *
 * @returns null when fewer than three samples have a positive cost
 */
export function fitCurve(samples: readonly Sample[], ceilingPp: number): Curve | null {
  const costs = samples.map(({ cost }) => cost).filter((cost) => cost > 0);
  if (costs.length < 3 || !(ceilingPp > 0)) return null;
  const error = (curve: Curve) =>
    samples.reduce((sum, { cost, lossPp }) => sum + (predictLossPp(curve, cost) - lossPp) ** 2, 0);
  const curveAt = (logScale: number, exponent: number): Curve => ({
    ceilingPp,
    scale: Math.exp(logScale),
    exponent,
  });
  // From where the least cost loses everything to where the largest loses next to nothing.
  let scales = { from: Math.log(Math.min(...costs)) - 2, to: Math.log(Math.max(...costs)) + 5 };
  let exponents = { from: 0.3, to: 3 };
  let best = { logScale: 0, exponent: 1, error: Infinity };
  for (let zoom = 0; zoom < 8; zoom++) {
    for (const logScale of steps(scales)) {
      for (const exponent of steps(exponents)) {
        const found = error(curveAt(logScale, exponent));
        if (found < best.error) best = { logScale, exponent, error: found };
      }
    }
    scales = around(best.logScale, scales, -Infinity);
    exponents = around(best.exponent, exponents, 0.3, 3);
  }
  return curveAt(best.logScale, best.exponent);
}

/**
 * Predictions for each sample by a curve that never saw it: fitted on every other sample and the anchors, twice.
 * @param anchors models that are in both fits and not predicted
 * @returns null where a fit is impossible
 */
export function crossPredict(
  samples: readonly Sample[],
  anchors: readonly Sample[],
  ceilingPp: number,
): number[] | null {
  const curves = [0, 1].map((fold) =>
    fitCurve([...samples.filter((_, index) => index % 2 !== fold), ...anchors], ceilingPp),
  );
  return samples.some((_, index) => curves[index % 2] === null)
    ? null
    : samples.map(({ cost }, index) => predictLossPp(curves[index % 2]!, cost));
}

interface Range {
  readonly from: number;
  readonly to: number;
}

const cells = 24;

function steps({ from, to }: Range): number[] {
  return Array.from({ length: cells + 1 }, (_, i) => from + ((to - from) * i) / cells);
}

/** Two cells to either side, inside the bounds. */
function around(centre: number, { from, to }: Range, least: number, most = Infinity): Range {
  const half = (2 * (to - from)) / cells;
  return { from: Math.max(least, centre - half), to: Math.min(most, centre + half) };
}
