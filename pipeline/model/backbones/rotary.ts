import * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../backbone.ts';
import { weightOf } from '../layers.ts';

/** Cosines and sines of the angles, [1, T, d] each: 1 and 0 for tokens before the patches, which are not turned. */
export const rotaryTables = ['rotary.cos', 'rotary.sin'] as const;

/**
 * Queries or keys [B, h, T, d] with numbers i and i + d / 2 of each turned as a pair by the token's angle i (Su et al., "RoFormer", 2021,
 * section 3.2; which numbers make a pair is a matter of the order of a layer's rows). Differentiable; caller disposes.
 */
export function turned(model: ModelTensors, x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const [cosines, sines] = rotaryTables.map((name) => weightOf(model, name)) as [tf.Tensor, tf.Tensor];
    const [first, second] = tf.split(x, 2, 3) as [tf.Tensor, tf.Tensor];
    return tf.add(tf.mul(x, cosines), tf.mul(tf.concat([tf.neg(second), first], 3), sines));
  });
}
