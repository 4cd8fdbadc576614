import * as tf from '@tensorflow/tfjs-core';
import { sumRows } from './ops.ts';

/**
 * `x / sqrt(sum(x^2) / width + epsilon) * gamma` over the last axis (Zhang & Sennrich 2019), where `width` may be another
 * number than that of the channels: that of a stream of which some were cut off. x: [..., D]; gamma: [D]. Differentiable;
 * caller disposes.
 */
export function rmsNorm(x: tf.Tensor, gamma: tf.Tensor, width: number, epsilon: number): tf.Tensor {
  return tf.tidy(() => {
    const rows = x.rank === 2 ? x : tf.reshape(x, [-1, gamma.size]);
    return tf.reshape(normalised(rows, gamma, width, epsilon), x.shape);
  });
}

/** With `u` the unscaled result and `r` the inverse root, the gradient at x is `r (dy gamma - u sum(dy gamma u) / width)`. */
function normalised(x: tf.Tensor, gamma: tf.Tensor, width: number, epsilon: number): tf.Tensor {
  const channels = x.shape[1] as number;
  return tf.customGrad((...inputs) => {
    const [rows, scale, save] = inputs as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const meanSquare = tf.mul(tf.mean(tf.square(rows), 1, true), channels / width);
    const inverse = tf.rsqrt(tf.add(meanSquare, epsilon));
    const unit = tf.mul(rows, inverse);
    save([unit, inverse, scale]);
    return {
      value: tf.mul(unit, scale),
      gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
        const [unit, inverse, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const along = tf.mul(dy, unit);
        const share = tf.matMul(along, tf.reshape(tf.div(scale, width), [channels, 1]));
        const inner = tf.sub(tf.mul(dy, scale), tf.mul(unit, share));
        return [tf.mul(inner, inverse), sumRows(along)];
      },
    };
  })(x, gamma);
}
