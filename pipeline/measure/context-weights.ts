/** What single blocks add to the divergence, summed over the blocks of one model: a sum per context, and what it really diverges by. */
export interface ContextSample {
  readonly costs: readonly number[];
  /** KL(teacher || the whole model), in nats. */
  readonly kl: number;
}

/** Models that diverge less say nothing: rounding and luck. */
const leastKl = 1e-3;
const leastSamples = 6;
const steps = 10;

/**
 * How much each context counts: shares, by tenths, whose weighted sum explains the divergence of whole models best, as a power law
 * `KL = s (sum of shares x costs)^e`. What a block costs depends on how narrow the others are, and no context is right
 * for all; which mixture is, is measured.
 * @param contexts how many
 */
export function fitContextWeights(samples: readonly ContextSample[], contexts: number): number[] {
  const used = samples.filter(({ kl }) => kl > leastKl);
  const equal = new Array<number>(contexts).fill(1 / contexts);
  if (used.length < leastSamples) return equal;
  let best = { weights: equal, error: powerLawError(used, equal) };
  for (const tenths of partitions(steps, contexts)) {
    const weights = tenths.map((count) => count / steps);
    const error = powerLawError(used, weights);
    if (error < best.error) best = { weights, error };
  }
  return best.weights;
}

/** Mean squared error of log KL, each model counting by its KL: a mild one may be off by more of itself. */
function powerLawError(samples: readonly ContextSample[], weights: readonly number[]): number {
  const points = samples.map(({ costs, kl }) => ({
    x: Math.log(Math.max(1e-6, weightedCost(costs, weights))),
    y: Math.log(kl),
    weight: kl,
  }));
  const total = points.reduce((sum, { weight }) => sum + weight, 0);
  const mean = (of: (point: (typeof points)[number]) => number) =>
    points.reduce((sum, point) => sum + point.weight * of(point), 0) / total;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  const spread = mean((point) => (point.x - x) ** 2);
  const slope = spread > 0 ? mean((point) => (point.x - x) * (point.y - y)) / spread : 0;
  return mean((point) => (point.y - y - slope * (point.x - x)) ** 2);
}

export function weightedCost(costs: readonly number[], weights: readonly number[]): number {
  return costs.reduce((sum, cost, index) => sum + weights[index]! * cost, 0);
}

/** All ways to give out `count` to so many. */
function* partitions(count: number, parts: number): Generator<number[]> {
  if (parts === 1) yield [count];
  else
    for (let first = 0; first <= count; first++)
      for (const rest of partitions(count - first, parts - 1)) yield [first, ...rest];
}
