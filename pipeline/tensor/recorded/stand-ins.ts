import * as tf from '@tensorflow/tfjs-core';

export type Signs = 'both' | 'positive';

/**
 * Made-up tensors of the shapes and types given, the same every time: what a function is tried on before it has seen any data. Whole
 * numbers and truth values are 0. Matrices are scaled so that products neither grow nor fade with their size: networks of them are
 * well-conditioned. Single numbers are positive, as rates and scales are. Caller disposes.
 */
export function standIns(shapes: readonly tf.TensorInfo[], signs: Signs): tf.Tensor[] {
  let state = 1;
  return shapes.map(({ shape, dtype }) => {
    if (dtype !== 'float32') return tf.zeros(shape, dtype);
    const scale = 1 / Math.sqrt(Math.max(1, shape.at(-2) ?? 1));
    const isPositive = signs === 'positive' || shape.length === 0;
    const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
    for (let i = 0; i < values.length; i++) {
      // A linear congruential generator (Numerical Recipes): statistics do not matter here, time does.
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      const fraction = state / 2 ** 31;
      values[i] = scale * (isPositive ? 0.25 + 0.5 * Math.abs(fraction) : fraction);
    }
    return tf.tensor(values, shape);
  });
}
