import type { Interval } from './interval.ts';

/**
 * Difference of two rates that were measured on images of their own, in percentage points: Newcombe's hybrid of their
 * score intervals (R. G. Newcombe, Statistics in Medicine 17, 1998, 873-890, method 10). Where the images are the same
 * after all and only the pairs are not known, it is wider than it had to be.
 *
 * @param model a rate in percent with its Wilson interval, as `reference`
 */
export function unpairedDifferencePp(model: Interval, reference: Interval): Interval {
  const mean = model.mean - reference.mean;
  return {
    mean,
    low: mean - Math.hypot(model.mean - model.low, reference.high - reference.mean),
    high: mean + Math.hypot(model.high - model.mean, reference.mean - reference.low),
  };
}
