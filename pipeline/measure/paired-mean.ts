import { twoSidedQuantile, type SampleInterval } from './interval.ts';

/** The 0/1 scores of two models on the same images. */
export interface ScorePair {
  readonly model: ArrayLike<number>;
  readonly reference: ArrayLike<number>;
}

/**
 * The mean over several pairs of their paired top-1 differences, in percentage points, with its interval.
 *
 * All pairs see the same images and their differences are correlated (an image near a decision boundary flips in every
 * context), so they are averaged per image first: one value in {-1, ..., 1} in steps of 1/k for k pairs, and images are
 * independent. The interval inverts the score test of its mean: the multinomial over those values is estimated under
 * the hypothesis "the mean is d" (maximum likelihood; a value never seen may get mass), and d is inside while the found
 * mean lies within z of its standard errors. With one pair this *is* Tango's interval (`pairedDifferencePp`), and like
 * it, and unlike a t interval or a bootstrap, it does not shrink to a point when no image changed.
 */
export function pairedMeanPp(pairs: readonly ScorePair[], confidence = 0.95): SampleInterval {
  const images = pairs[0]?.model.length ?? 0;
  if (images === 0) throw new RangeError('an interval needs images');
  const counts = new Float64Array(2 * pairs.length + 1);
  for (let image = 0; image < images; image++) {
    let sum = pairs.length;
    for (const { model, reference } of pairs) {
      if (model.length !== images || reference.length !== images)
        throw new Error(
          `paired scores need the same images: ${images}, ${model.length}, ${reference.length}`,
        );
      sum += Math.sign(model[image]! - reference[image]!);
    }
    counts[sum]!++;
  }
  const shares = counts.map((count) => count / images);
  const values = counts.map((_, index) => index / pairs.length - 1);
  const mean = dot(shares, values);
  const z = twoSidedQuantile(confidence);
  const limit = (end: -1 | 1): number => {
    if (mean === end) return end;
    let inside = mean;
    let outside: number = end;
    for (let i = 0; i < 60; i++) {
      const middle = (inside + outside) / 2;
      const error = Math.sqrt(varianceUnder(middle, shares, values) / images);
      if (Math.abs(mean - middle) <= z * error) inside = middle;
      else outside = middle;
    }
    return (inside + outside) / 2;
  };
  return { mean: 100 * mean, low: 100 * limit(-1), high: 100 * limit(1), images };
}

/**
 * Variance of the likeliest distribution over `values` (from -1 to 1) whose mean is `mean`, given observed shares.
 * By Lagrange multipliers the mass of an observed value is share / (1 + b (value - mean)), where b makes the mean
 * right; if no b with all masses positive does, b is at its bound and the unseen extreme value takes the rest.
 */
function varianceUnder(mean: number, shares: Float64Array, values: Float64Array): number {
  const slope = (b: number): number =>
    shares.reduce((sum, share, i) => {
      const distance = values[i]! - mean;
      return share === 0 ? sum : sum + (share * distance) / (1 + b * distance);
    }, 0);
  let low = -1 / (1 - mean);
  let high = 1 / (1 + mean);
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (slope(middle) > 0) low = middle;
    else high = middle;
  }
  const b = (low + high) / 2;
  const masses = shares.map((share, i) => (share === 0 ? 0 : share / (1 + b * (values[i]! - mean))));
  const rest = Math.max(0, 1 - masses.reduce((sum, mass) => sum + mass, 0));
  return (
    dot(
      masses,
      values.map((value) => (value - mean) ** 2),
    ) +
    rest * (Math.sign(-b) * 1 - mean) ** 2
  );
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
