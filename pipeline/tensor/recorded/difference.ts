import type * as tf from '@tensorflow/tfjs-core';

/** Beside the largest result, one of less than this share of it may be mere rounding. */
const noise = 1e-3;
/** Near a pole or the end of a root's domain rounding moves a number as far as it likes, or away: what is this far from the usual counts as just that. */
const outlier = 10;
/** Share of a result's numbers that may be finite in one of the two alone. */
const fewest = 0.02;

/**
 * What is wrong with a function's results, if anything: `none`, a sentence, or `unclear` where a result has no finite number to compare.
 *
 * This looks for operations that mean something else in a graph, not for rounding: root mean squares over what is finite in both, outliers cut down, may differ by the
 * share `tolerance` of the result's own or, where that is noise beside the other results, of a thousandth of the largest.
 */
export function difference(
  results: readonly tf.Tensor[],
  expected: readonly tf.Tensor[],
  tolerance: number,
): string {
  for (const [index, { shape, dtype }] of expected.entries()) {
    const found = results[index];
    if (found === undefined || found.dtype !== dtype || found.shape.join() !== shape.join()) {
      return `result ${index} is ${found?.dtype}[${found?.shape.join()}] instead of ${dtype}[${shape.join()}]`;
    }
  }
  const parts = expected.map((wanted, index) => compare(wanted.dataSync(), results[index]!.dataSync()));
  if (parts.some(({ isEmpty }) => isEmpty)) return 'unclear';
  const largest = Math.max(...parts.map(({ size }) => size));
  const bad = parts.findIndex(({ error, size }) => !(error <= tolerance * Math.max(size, noise * largest)));
  if (bad < 0) return 'none';
  const { error, size } = parts[bad]!;
  return `result ${bad} differs by ${error} from ${size} (root mean squares)`;
}

interface Comparison {
  /** NaN where too many numbers are not finite that should be. */
  readonly error: number;
  readonly size: number;
  readonly isEmpty: boolean;
}

/** Root mean squares of the difference and of what was wanted. */
function compare(wanted: tf.TypedArray, found: tf.TypedArray): Comparison {
  let [finite, both, roots] = [0, 0, 0];
  for (let i = 0; i < wanted.length; i++) {
    if (!Number.isFinite(wanted[i])) continue;
    finite++;
    if (!Number.isFinite(found[i])) continue;
    both++;
    roots += Math.sqrt(Math.max(Math.abs(wanted[i]!), Math.abs(found[i]!)));
  }
  const count = Math.max(1, both);
  const limit = outlier * (roots / count) ** 2;
  const within = (value: number): number => Math.min(Math.max(value, -limit), limit);
  let [error, size] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    if (!Number.isFinite(wanted[i]) || !Number.isFinite(found[i])) continue;
    const value = within(wanted[i]!);
    error += (within(found[i]!) - value) ** 2;
    size += value ** 2;
  }
  const isLost = finite > 0 && (both === 0 || finite - both > Math.max(1, fewest * finite));
  return {
    error: isLost ? NaN : Math.sqrt(error / count),
    size: Math.sqrt(size / count),
    isEmpty: wanted.length > 0 && finite === 0,
  };
}
