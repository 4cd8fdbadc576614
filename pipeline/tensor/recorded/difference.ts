import * as tf from '@tensorflow/tfjs-core';

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
  const measured = tf.tidy(() => {
    const rows = expected.map((wanted, index) => {
      const [a, b] = [wanted, results[index]!].map((x) => tf.cast(x, 'float32')) as [tf.Tensor, tf.Tensor];
      const isFinite = tf.logicalAnd(tf.isFinite(a), tf.isFinite(b));
      const only = (x: tf.Tensor) => tf.where(isFinite, x, tf.zerosLike(x));
      const [x, y] = [only(a), only(b)];
      const limit = tf.mul(tf.square(tf.mean(tf.sqrt(tf.maximum(tf.abs(x), tf.abs(y))))), outlier);
      const within = (x: tf.Tensor) => tf.minimum(tf.maximum(x, tf.neg(limit)), limit);
      const sum = (x: tf.Tensor) => tf.sum(tf.square(x));
      const count = (x: tf.Tensor) => tf.sum(tf.cast(x, 'float32'));
      const counts = [count(isFinite), count(tf.isFinite(a))];
      return tf.stack([sum(tf.sub(within(y), within(x))), sum(within(x)), ...counts]);
    });
    return tf.stack(rows).dataSync<'float32'>();
  });
  const parts = expected.map(({ size }, index) => {
    const [error, square, both, wanted] = measured.subarray(4 * index, 4 * index + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const root = (x: number): number => Math.sqrt(x / Math.max(1, both));
    const isLost = wanted - both > Math.max(1, fewest * wanted);
    return { error: isLost ? NaN : root(error), size: root(square), isEmpty: size > 0 && wanted === 0 };
  });
  if (parts.some(({ isEmpty }) => isEmpty)) return 'unclear';
  const largest = Math.max(...parts.map(({ size }) => size));
  const bad = parts.findIndex(({ error, size }) => !(error <= tolerance * Math.max(size, noise * largest)));
  if (bad < 0) return 'none';
  const { error, size } = parts[bad]!;
  return `result ${bad} differs by ${error} from ${size} (root mean squares)`;
}
