import * as tf from '@tensorflow/tfjs-core';

/**
 * Batches of pixels [B, S, S, C] as batches of `size` images, whatever sizes they come in, so that what is measured within a
 * batch does not depend on how images are loaded. What is left at the end is given only where nothing came before it.
 */
export async function* grouped(
  batches: AsyncIterable<tf.Tensor4D>,
  size: number,
): AsyncGenerator<tf.Tensor4D> {
  let held: tf.Tensor4D | undefined;
  let given = 0;
  try {
    for await (const pixels of batches) {
      const joined = held === undefined ? pixels : tf.concat4d([held, pixels], 0);
      if (held !== undefined) tf.dispose([held, pixels]);
      held = joined;
      while (held !== undefined && held.shape[0] >= size) {
        const [next, rest]: readonly [tf.Tensor4D, tf.Tensor4D | undefined] = parted(held, size);
        held.dispose();
        held = rest;
        given++;
        yield next;
      }
    }
    if (held !== undefined && given === 0) {
      const last = held;
      held = undefined;
      yield last;
    }
  } finally {
    held?.dispose();
  }
}

/** The first `size` images, and the others where there are any. */
function parted(pixels: tf.Tensor4D, size: number): readonly [tf.Tensor4D, tf.Tensor4D | undefined] {
  const others = pixels.shape[0] - size;
  return [
    tf.slice4d(pixels, [0, 0, 0, 0], [size, -1, -1, -1]),
    others === 0 ? undefined : tf.slice4d(pixels, [size, 0, 0, 0], [others, -1, -1, -1]),
  ];
}
