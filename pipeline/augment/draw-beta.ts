import type { Random } from '../util/random.ts';

/** Of Beta(alpha, alpha), alpha > 0: in [0, 1], mean 1/2, variance 1 / (8 alpha + 4). The share of one of two gamma draws. */
export function drawBeta(alpha: number, chance: Random): number {
  const one = logGamma(alpha, chance);
  const other = logGamma(alpha, chance);
  return 1 / (1 + Math.exp(other - one));
}

/**
 * Logarithm of a Gamma(shape, 1) draw: Marsaglia and Tsang 2000, for shape + 1, then times U^(1 / shape). The logarithm, as the
 * draws of small shapes are too small for float64.
 */
function logGamma(shape: number, chance: Random): number {
  const d = shape + 1 - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = chance.normal();
    const v = (1 + c * x) ** 3;
    const logU = Math.log(1 - chance.next());
    if (v > 0 && logU < 0.5 * x * x + d - d * v + d * Math.log(v)) {
      return Math.log(d * v) + Math.log(1 - chance.next()) / shape;
    }
  }
}
