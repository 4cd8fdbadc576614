/**
 * Confidence intervals that stay honest with few images. Nothing here resamples: every interval is a function of
 * counts or moments, so shards merge exactly and the same scores always give the same numbers.
 */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export interface SampleInterval extends Interval {
  /** n, carried with every interval so that no number is shown without it. */
  readonly images: number;
}

/** Without n, for where it is written once beside several intervals. */
export function bounds({ mean, low, high }: Interval): Interval {
  return { mean, low, high };
}

/**
 * Top-1 (or any share) in percent with its Wilson score interval (E. B. Wilson, JASA 22, 1927): unlike
 * mean +- z * error it never leaves 0..100 and does not collapse to a point at 0 or n successes.
 */
export function proportionPercent(successes: number, images: number, confidence = 0.95): SampleInterval {
  checkCounts(images, successes);
  const z = twoSidedQuantile(confidence);
  const share = successes / images;
  const centre = share + (z * z) / (2 * images);
  const half = z * Math.sqrt((share * (1 - share)) / images + (z * z) / (4 * images * images));
  const scale = 1 + (z * z) / images;
  return {
    mean: 100 * share,
    // At the ends the limit is 0 or 1 exactly; the formula gives it up to rounding only.
    low: successes === 0 ? 0 : (100 * (centre - half)) / scale,
    high: successes === images ? 100 : (100 * (centre + half)) / scale,
    images,
  };
}

/**
 * Paired difference of two top-1 rates on the same images, in percentage points: (gains - losses) / n.
 *
 * Tango's score interval (T. Tango, Statistics in Medicine 17, 1998, 891-908). Only discordant images carry
 * information, and with few of them the usual choices mislead: Wald's interval has width zero when no image
 * changed, Newcombe's hybrid does too when the marginals agree. Tango's then says +- z^2 / (n + z^2), about
 * 0.38 points at n = 1000. The limits are the roots of a monotone closed-form statistic, found by bisection.
 *
 * @param gains images the model gets right and the reference wrong
 * @param losses images the reference gets right and the model wrong
 */
export function pairedDifferencePp(
  gains: number,
  losses: number,
  images: number,
  confidence = 0.95,
): SampleInterval {
  checkCounts(images, gains, losses, gains + losses);
  const z = twoSidedQuantile(confidence);
  const mean = (gains - losses) / images;
  const low = gains - losses === -images ? -1 : root(gains, losses, images, z, -1, mean);
  const high = gains - losses === images ? 1 : root(gains, losses, images, -z, mean, 1);
  return { mean: 100 * mean, low: 100 * low, high: 100 * high, images };
}

/** The difference at which Tango's statistic, which falls with it, passes `target`. */
function root(
  gains: number,
  losses: number,
  images: number,
  target: number,
  from: number,
  to: number,
): number {
  let low = from;
  let high = to;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (tangoStatistic(gains, losses, images, middle) > target) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** z(difference): the observed difference against `difference`, over its error under that hypothesis. */
function tangoStatistic(gains: number, losses: number, images: number, difference: number): number {
  const a = 2 * images;
  const b = (2 * images - gains + losses) * difference - gains - losses;
  const c = -losses * difference * (1 - difference);
  // The share of losses, estimated under the hypothesis (the larger root of a q^2 + b q + c = 0).
  const lossShare = (Math.sqrt(Math.max(0, b * b - 4 * a * c)) - b) / (2 * a);
  const variance = images * (2 * lossShare + difference * (1 - difference));
  const distance = gains - losses - images * difference;
  return variance > 0 ? distance / Math.sqrt(variance) : Math.sign(distance) * Infinity;
}

/** Compares two 0/1 score arrays over the same images; see `pairedDifferencePp`. */
export function pairedScoresPp(
  model: ArrayLike<number>,
  reference: ArrayLike<number>,
  confidence = 0.95,
): SampleInterval {
  if (model.length !== reference.length) {
    throw new Error(`paired scores need the same images: ${model.length} and ${reference.length}`);
  }
  let gains = 0;
  let losses = 0;
  for (let i = 0; i < model.length; i++) {
    if (model[i]! > reference[i]!) gains++;
    else if (model[i]! < reference[i]!) losses++;
  }
  return pairedDifferencePp(gains, losses, model.length, confidence);
}

/**
 * Mean of a skewed, non-negative score (KL in nats) with Johnson's skewness-corrected t interval (N. J. Johnson,
 * JASA 73, 1978): a few images carry most of the divergence, which shifts the plain t interval too low.
 */
export function meanInterval(values: ArrayLike<number>, confidence = 0.95): SampleInterval {
  const images = values.length;
  if (images < 2) throw new RangeError(`the interval of a mean needs two images, got ${images}`);
  let sum = 0;
  for (let i = 0; i < images; i++) sum += values[i]!;
  const mean = sum / images;
  let second = 0;
  let third = 0;
  for (let i = 0; i < images; i++) {
    const distance = values[i]! - mean;
    second += distance * distance;
    third += distance ** 3;
  }
  const variance = second / (images - 1);
  if (variance === 0) return { mean, low: mean, high: mean, images };
  const shift = third / images / (6 * variance * images);
  const half = studentQuantile(twoSidedQuantile(confidence), images - 1) * Math.sqrt(variance / images);
  return { mean, low: Math.max(0, mean + shift - half), high: mean + shift + half, images };
}

/** z with P(|Z| <= z) = confidence: 1.96 for 0.95. Newton on the distribution function. */
export function twoSidedQuantile(confidence: number): number {
  if (!(confidence > 0 && confidence < 1)) {
    throw new RangeError(`confidence ${confidence} is not between 0 and 1`);
  }
  let z = 1;
  for (let i = 0; i < 50; i++) {
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    const step = (2 * density * normalSeries(z) - confidence) / (2 * density);
    // Far in the tail Newton overshoots; half a unit at a time is always safe.
    z += Math.max(-0.5, Math.min(0.5, -step));
    if (Math.abs(step) < 1e-13) break;
  }
  return z;
}

/** (Phi(z) - 1/2) / phi(z) = z + z^3/3 + z^5/15 + ... (G. Marsaglia, J. Stat. Software 11(4), 2004). */
function normalSeries(z: number): number {
  let term = z;
  let sum = z;
  for (let i = 3; Math.abs(term) > 1e-17 * Math.abs(sum); i += 2) {
    term *= (z * z) / i;
    sum += term;
  }
  return sum;
}

/** Student's t from the normal quantile, Cornish-Fisher to 1/freedom^3: within 0.3 % from 5 degrees on. */
function studentQuantile(z: number, freedom: number): number {
  const [z3, z5, z7] = [z ** 3, z ** 5, z ** 7];
  return (
    z +
    (z3 + z) / (4 * freedom) +
    (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom ** 3)
  );
}

function checkCounts(images: number, ...counts: readonly number[]): void {
  if (!Number.isInteger(images) || images < 1)
    throw new RangeError(`an interval needs images, got ${images}`);
  for (const count of counts) {
    if (!Number.isInteger(count) || count < 0 || count > images) {
      throw new RangeError(`${count} of ${images} images is not a count`);
    }
  }
}
