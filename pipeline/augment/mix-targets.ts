import * as tf from '@tensorflow/tfjs-core';
import type { Mix } from './draw-mix.ts';

/**
 * The targets that belong to `mixPixels`: [B, K], rows that sum to 1, mixed as the images are, then smoothed over all K, as timm's
 * `mixup_target`. Caller disposes.
 */
export function mixTargets(targets: tf.Tensor2D, { lambda, smoothing }: Mix): tf.Tensor2D {
  return tf.tidy(() => {
    const kept = 1 - smoothing;
    const own = targets.mul<tf.Tensor2D>(lambda * kept);
    const mixed = lambda === 1 ? own : own.add<tf.Tensor2D>(targets.reverse(0).mul((1 - lambda) * kept));
    return mixed.add<tf.Tensor2D>(smoothing / targets.shape[1]);
  });
}
