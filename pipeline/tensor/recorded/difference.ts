import * as tf from '@tensorflow/tfjs-core';

/** Beside the largest result, one of less than this share of it may be mere rounding. */
const noise = 1e-3;

/**
 * What is wrong with a function's results, if anything: `none`, a sentence, or `unclear` where a result has no finite number to compare.
 *
 * This looks for operations that mean something else in a graph, not for rounding: root mean squares over what is finite may differ by the
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
      const isFinite = tf.isFinite(a);
      const zeros = tf.zerosLike(a);
      const only = (x: tf.Tensor) => tf.where(isFinite, x, zeros);
      const sum = (x: tf.Tensor) => tf.sum(tf.square(x));
      return tf.stack([sum(only(tf.sub(b, a))), sum(only(a)), tf.sum(tf.cast(isFinite, 'float32'))]);
    });
    return tf.stack(rows).dataSync<'float32'>();
  });
  const parts = expected.map(({ size }, index) => {
    const [error, square, count] = measured.subarray(3 * index, 3 * index + 3) as unknown as [
      number,
      number,
      number,
    ];
    const root = (x: number): number => Math.sqrt(x / Math.max(1, count));
    return { error: root(error), size: root(square), isEmpty: size > 0 && count === 0 };
  });
  if (parts.some(({ isEmpty }) => isEmpty)) return 'unclear';
  const largest = Math.max(...parts.map(({ size }) => size));
  const bad = parts.findIndex(({ error, size }) => !(error <= tolerance * Math.max(size, noise * largest)));
  if (bad < 0) return 'none';
  const { error, size } = parts[bad]!;
  return `result ${bad} differs by ${error} from ${size} (root mean squares)`;
}
