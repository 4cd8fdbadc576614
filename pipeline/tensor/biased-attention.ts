import * as tf from '@tensorflow/tfjs-core';
import { attend, attendBack, type Attended } from './attention-steps.ts';

/**
 * Multi-head scaled dot-product attention with a bias on the scores, `softmax(q k' / sqrt(d) + bias) v`.
 * q: [B, h, P, d]; k, v: [B, h, T, d]; bias: [1, h, P, T] -> [B, h, P, d]. Differentiable; caller disposes. The gradient as that of
 * `attention`.
 */
export function biasedAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  return tf.customGrad((...inputs) => {
    const [q, k, v, bias, save] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const attended = attend(q, k, v, bias);
    save([...attended]);
    return {
      value: attended[4],
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => attendBack(dy, saved as unknown as Attended, bias),
    };
  })(q, k, v, bias);
}
