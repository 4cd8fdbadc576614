import * as tf from '@tensorflow/tfjs-core';

/** The first batches, until there are so many images. */
export function limited(
  batches: () => AsyncIterable<tf.Tensor4D>,
  images: number,
): () => AsyncIterable<tf.Tensor4D> {
  return async function* () {
    let left = images;
    for await (const pixels of batches()) {
      const count = pixels.shape[0];
      if (count > left) {
        const some = tf.slice4d(pixels, [0, 0, 0, 0], [left, -1, -1, -1]);
        pixels.dispose();
        yield some;
        return;
      }
      left -= count;
      yield pixels;
      if (left === 0) return;
    }
  };
}
