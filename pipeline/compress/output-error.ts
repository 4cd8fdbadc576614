import * as tf from '@tensorflow/tfjs-core';
import { applyFfn, disposeFfn, uploadFfn } from '../model/ffn-tensors.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Gelu } from '../tensor/ops.ts';
import type { Pairs } from './pairs.ts';
import { rowWeights, type TokenWeights } from './token-weights.ts';

/** How far a descendant's output is from its teacher's on some tokens. */
export interface OutputError {
  /** `sum ||y' - y||^2 / sum ||y - mean y||^2`: the share of the teacher's output variance that is lost. */
  readonly relative: number;
  /**
   * Standard error of `relative` as an estimate for more tokens of the same kind: that of a ratio of means (linearised),
   * with the tokens of an image taken together because they are not independent.
   */
  readonly standardError: number;
  /** Squared error and centred teacher energy per token, summed over D. */
  readonly errorPerToken: number;
  readonly energyPerToken: number;
  readonly tokens: number;
}

export interface OutputErrorOptions {
  /** How much an image's tokens count; needs `tokensPerImage`. Default: all the same. */
  readonly weights?: TokenWeights;
  /** Consecutive rows of `tokens` that come from one image. Default 1. */
  readonly tokensPerImage?: number;
  readonly rowsPerPass?: number;
}

/**
 * `||y' - y||^2 / ||y - mean y||^2` of two batches of outputs [T, D], as a scalar. Caller disposes.
 * 0 where the teacher's outputs do not vary.
 */
export function relativeOutputError(teacher: tf.Tensor2D, student: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() => {
    const energy = tf.sum(tf.squaredDifference(teacher, tf.mean(teacher, 0, true)));
    return tf.divNoNan<tf.Scalar>(tf.sum(tf.squaredDifference(student, teacher)), energy);
  });
}

/**
 * The error of every student against the teacher block on `tokens` [N, D], block inputs (LayerNorm outputs). Products
 * run on the engine in float32, sums over tokens on the host in float64.
 * @throws RangeError where `tokens` holds no whole rows.
 */
export function outputErrors(
  teacher: FfnWeights,
  students: readonly FfnWeights[],
  tokens: Float32Array,
  gelu: Gelu,
  { tokensPerImage = 1, rowsPerPass = 4096, weights }: OutputErrorOptions = {},
): OutputError[] {
  const { width } = teacher;
  const count = tokens.length / width;
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`${tokens.length} values are no rows of ${width}`);
  }
  const networks = [teacher, ...students].map(uploadFfn);
  const importance = rowWeights(weights ?? { classToken: 1, patch: 1 }, count, tokensPerImage);
  const share = importance.reduce((sum, weight) => sum + weight, 0);
  const mean = new Float64Array(width);
  const energies = new Float64Array(count);
  const errors = students.map(() => new Float64Array(count));
  const eachPass = (visit: (x: tf.Tensor, y: tf.Tensor, start: number) => void): void => {
    for (let start = 0; start < count; start += rowsPerPass) {
      const rows = Math.min(rowsPerPass, count - start);
      tf.tidy(() => {
        const x = tf.tensor2d(tokens.slice(start * width, (start + rows) * width), [rows, width]);
        visit(x, applyFfn(networks[0], x, gelu), start);
      });
    }
  };
  // Twice through the teacher: the centred energy from raw moments would lose the digits that matter.
  eachPass((_, y, start) => {
    for (const [i, value] of y.dataSync<'float32'>().entries()) {
      mean[i % width] += (value * importance[start + Math.floor(i / width)]) / share;
    }
  });
  eachPass((x, y, start) => {
    energies.set(squaredDistances(y, tf.tensor1d(Float32Array.from(mean))), start);
    for (const [index, values] of errors.entries()) {
      values.set(squaredDistances(y, applyFfn(networks[index + 1], x, gelu)), start);
    }
  });
  networks.forEach(disposeFfn);
  for (const values of [energies, ...errors])
    values.forEach((value, row) => (values[row] = value * importance[row]));
  return errors.map((values) => ratio(values, energies, tokensPerImage));
}

/** Tokens of one kind and their share of the whole, whatever their number. */
export interface PairShare {
  readonly pairs: Pairs;
  readonly share: number;
}

/**
 * The error of a student against targets that are given: squared error over the targets' centred energy, tokens weighted
 * by `weights` within each part and parts by their share. Parts hold the same images, so an image counts once.
 */
export function pairError(
  student: FfnWeights,
  parts: readonly PairShare[],
  weights: TokenWeights,
  gelu: Gelu,
  rowsPerPass = 4096,
): OutputError {
  const { width } = student;
  const used = parts.filter(({ share }) => share > 0);
  const count = used[0].pairs.inputs.length / width;
  const importance = rowWeights(weights, count, used[0].pairs.tokensPerImage);
  const total = importance.reduce((sum, weight) => sum + weight, 0);
  const mean = new Float64Array(width);
  for (const { pairs, share } of used) {
    for (const [i, value] of pairs.targets.entries()) {
      mean[i % width] += (share * value * importance[Math.floor(i / width)]) / total;
    }
  }
  const errors = new Float64Array(count);
  const energies = new Float64Array(count);
  const network = uploadFfn(student);
  for (const { pairs, share } of used) {
    for (let start = 0; start < count; start += rowsPerPass) {
      const rows = Math.min(rowsPerPass, count - start);
      const [error, energy] = tf.tidy(() => {
        const slice = (values: Float32Array): tf.Tensor2D =>
          tf.tensor2d(values.subarray(start * width, (start + rows) * width), [rows, width]);
        const target = slice(pairs.targets);
        return [
          squaredDistances(target, applyFfn(network, slice(pairs.inputs), gelu)),
          squaredDistances(target, tf.tensor1d(Float32Array.from(mean))),
        ];
      });
      for (let i = 0; i < rows; i++) {
        errors[start + i] += share * importance[start + i] * error[i];
        energies[start + i] += share * importance[start + i] * energy[i];
      }
    }
  }
  disposeFfn(network);
  return ratio(errors, energies, used[0].pairs.tokensPerImage);
}

function squaredDistances(a: tf.Tensor, b: tf.Tensor): Float32Array {
  return tf.sum(tf.squaredDifference(a, b), 1).dataSync<'float32'>();
}

function ratio(errors: Float64Array, energies: Float64Array, groupSize: number): OutputError {
  const tokens = errors.length;
  const error = total(errors);
  const energy = total(energies);
  const relative = energy > 0 ? error / energy : error > 0 ? Infinity : 0;
  const groups = Math.ceil(tokens / groupSize);
  let squares = 0;
  for (let g = 0; g < groups; g++) {
    const [from, to] = [g * groupSize, (g + 1) * groupSize];
    squares += (total(errors.subarray(from, to)) - relative * total(energies.subarray(from, to))) ** 2;
  }
  const standardError =
    groups > 1 && energy > 0 ? Math.sqrt((squares * groups) / (groups - 1)) / energy : Infinity;
  return { relative, standardError, errorPerToken: error / tokens, energyPerToken: energy / tokens, tokens };
}

function total(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
