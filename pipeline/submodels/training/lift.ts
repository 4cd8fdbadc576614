import * as tf from '@tensorflow/tfjs-core';
import { factorise } from '../../tensor/float64/cholesky.ts';
import { matrix, transposed } from '../../tensor/float64/matrix.ts';
import { addProduct } from '../../tensor/float64/product.ts';
import { solveLower, solveUpper } from '../../tensor/float64/triangular.ts';
import type { Tensors } from '../../tensor/optimizer.ts';

/** Names of the lift among a training's parameters; no family has them. */
export const liftNames = { kernel: 'lift.weight', bias: 'lift.bias' } as const;

/**
 * Of a feature's mean square: what keeps more features than images from mattering. Not of its variance: of features that
 * hardly vary a lift would be made that any step of the training throws off.
 */
const ridgeShare = 1e-2;

/**
 * Where the lift starts: the ridge regression from a sub-model's features x [n, D'] to the aims y [n, D], intercept free.
 * Float64 up to the last rounding. Caller disposes.
 */
export function startLift(
  x: Float32Array,
  y: Float32Array,
  images: number,
): Tensors & Record<(typeof liftNames)[keyof typeof liftNames], tf.Tensor> {
  const [from, to] = [x.length / images, y.length / images];
  const xs = centred(x, from);
  const ys = centred(y, to);
  const covariance = matrix(from, from);
  const kernel = matrix(from, to);
  const left = transposed(matrix(images, from, xs.values));
  addProduct(covariance, 1 / images, left, transposed(left));
  addProduct(kernel, 1 / images, left, matrix(images, to, ys.values));
  const meanSquare = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  const { factor } = factorise(covariance, ridgeShare * meanSquare);
  solveLower(factor, kernel);
  solveUpper(transposed(factor), kernel);
  const bias = ys.mean;
  for (let d = 0; d < from; d++) {
    for (let e = 0; e < to; e++) bias[e]! -= xs.mean[d]! * kernel.data[d * to + e]!;
  }
  return {
    [liftNames.kernel]: tf.tensor2d(Float32Array.from(kernel.data), [from, to]),
    [liftNames.bias]: tf.tensor1d(Float32Array.from(bias)),
  };
}

/** [n, width] less the mean of every column. */
function centred(rows: Float32Array, width: number): { mean: Float64Array; values: Float64Array } {
  const mean = new Float64Array(width);
  rows.forEach((value, i) => (mean[i % width]! += (value * width) / rows.length));
  return { mean, values: Float64Array.from(rows, (value, i) => value - mean[i % width]!) };
}
