import * as tf from '@tensorflow/tfjs-core';
import type { Box } from './box.ts';
import { boxMask } from './box-mask.ts';
import type { Erasure } from './draw-erasures.ts';

/**
 * The images with what was drawn for them in place of their pixels, [B, H, W, C] as given. After normalising, as the noise has mean 0
 * and variance 1, and, as in DeiT, before mixing. Caller disposes.
 */
export function erasePixels(pixels: tf.Tensor4D, erasures: readonly Erasure[]): tf.Tensor4D {
  if (erasures.length === 0) return pixels.clone();
  const [count, height, width, channels] = pixels.shape;
  const boxes = new Array<Box | undefined>(count).fill(undefined);
  const noise = new Float32Array(pixels.size);
  for (const { image, box, noise: own } of erasures) {
    boxes[image] = box;
    const row = box.width * channels;
    for (let y = 0; y < box.height; y++) {
      const to = ((image * height + box.top + y) * width + box.left) * channels;
      noise.set(own.subarray(y * row, (y + 1) * row), to);
    }
  }
  return tf.tidy(() => {
    const kept = tf.sub(1, tf.tensor4d(boxMask(boxes, height, width), [count, height, width, 1]));
    return pixels.mul(kept).add(tf.tensor4d(noise, pixels.shape));
  });
}
