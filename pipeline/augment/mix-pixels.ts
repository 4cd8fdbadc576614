import * as tf from '@tensorflow/tfjs-core';
import { boxMask } from './box-mask.ts';
import type { Mix } from './draw-mix.ts';

/** The images mixed each with the one opposite, [B, H, W, C] as given (mixing comes after normalising). Caller disposes. */
export function mixPixels(pixels: tf.Tensor4D, { lambda, box }: Mix): tf.Tensor4D {
  if (lambda === 1) return pixels.clone();
  return tf.tidy(() => {
    const others = pixels.reverse(0);
    if (box === undefined) return pixels.mul(lambda).add(others.mul(1 - lambda));
    const [, height, width] = pixels.shape;
    const theirs = tf.tensor4d(boxMask([box], height, width), [1, height, width, 1]);
    return pixels.mul(tf.sub(1, theirs)).add(others.mul(theirs));
  });
}
