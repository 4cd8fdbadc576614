import * as tf from '@tensorflow/tfjs-core';

/**
 * Max pooling of 3 x 3 at every second place, with zeros around the map, which change nothing where what follows cuts off
 * below zero: x [B, H, W, C] -> [B, H / 2, W / 2, C], entry i the largest of 2i - 1, 2i and 2i + 1. As maxima of slices: max pooling
 * has no gradient on `wasm`. Differentiable; caller disposes.
 * @throws RangeError where an extent is odd
 */
export function pairMaximum(x: tf.Tensor4D): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  if (height % 2 !== 0 || width % 2 !== 0)
    throw new RangeError(`a map of ${height} x ${width} has no halves`);
  return tf.tidy(() => {
    const down = alongPairs(tf.reshape(x, [batch, height / 2, 2, width * channels]));
    const across = alongPairs(tf.reshape(down, [(batch * height) / 2, width / 2, 2, channels]));
    return tf.reshape(across, [batch, height / 2, width / 2, channels]);
  });
}

/** [A, N, 2, C] -> [A, N, C]: of each pair and of the last entry of the pair before it the largest. */
function alongPairs(pairs: tf.Tensor4D): tf.Tensor3D {
  const [outer, count, , channels] = pairs.shape;
  const entry = (place: number): tf.Tensor3D =>
    tf.reshape(tf.slice(pairs, [0, 0, place, 0], [-1, -1, 1, -1]), [outer, count, channels]);
  const second = entry(1);
  const before = tf.pad(tf.slice(second, [0, 0, 0], [-1, count - 1, -1]), [
    [0, 0],
    [1, 0],
    [0, 0],
  ]);
  return tf.maximum(tf.maximum(entry(0), second), before);
}
