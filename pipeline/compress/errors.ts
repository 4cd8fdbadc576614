import * as tf from '@tensorflow/tfjs-core';
import { applyFfn, disposeFfn, uploadFfn } from '../model/ffn-tensors.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Gelu } from '../tensor/ops.ts';
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
 * The error of every student against the teacher block on `tokens` [N, D], block inputs (LayerNorm outputs). Products
 * run on the engine in float32, sums over tokens on the host in float64.
 * @throws RangeError where `tokens` holds no whole rows.
 */
export function outputErrors(
  teacher: FfnWeights,
  students: readonly FfnWeights[],
  tokens: Float32Array,
  gelu: Gelu,
  { tokensPerImage = 1, rowsPerPass = 4096, weights = uniform }: OutputErrorOptions = {},
): OutputError[] {
  const { width } = teacher;
  const count = tokens.length / width;
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`${tokens.length} values are no rows of ${width}`);
  }
  const network = uploadFfn(teacher);
  const targets = outputsOf(tokens, width, rowsPerPass, (x) => applyFfn(network, x, gelu));
  disposeFfn(network);
  const importance = rowWeights(weights, count, tokensPerImage);
  const total = importance.reduce((sum, weight) => sum + weight, 0);
  // The energy about the mean: from raw moments it would lose the digits that matter.
  const mean = new Float64Array(width);
  for (const [i, value] of targets.entries()) {
    mean[i % width]! += (value * importance[Math.floor(i / width)]!) / total;
  }
  /** Weighted squared distances of the targets from what `answer` makes of the inputs, by image. */
  const distances = (answer: (x: tf.Tensor2D) => tf.Tensor): Float64Array => {
    const squares = squaredErrors({ inputs: tokens, targets }, width, rowsPerPass, answer);
    return grouped(
      Float64Array.from(squares, (square, row) => importance[row]! * square),
      tokensPerImage,
    );
  };
  const energies = distances(() => tf.tensor1d(Float32Array.from(mean)));
  return students.map((student) => {
    const uploaded = uploadFfn(student);
    const errors = distances((x) => applyFfn(uploaded, x, gelu));
    disposeFfn(uploaded);
    return errorRatio(errors, energies, count);
  });
}

const uniform: TokenWeights = { prefixTokens: 0, prefix: 1, patch: 1 };

/** Of squared errors and centred energies, summed over each independent group of the `tokens` tokens. */
export function errorRatio(errors: Float64Array, energies: Float64Array, tokens: number): OutputError {
  const error = total(errors);
  const energy = total(energies);
  const relative = energy > 0 ? error / energy : error > 0 ? Infinity : 0;
  const groups = errors.length;
  const squares = errors.reduce((sum, value, g) => sum + (value - relative * energies[g]!) ** 2, 0);
  const standardError =
    groups > 1 && energy > 0 ? Math.sqrt((squares * groups) / (groups - 1)) / energy : Infinity;
  return { relative, standardError, errorPerToken: error / tokens, energyPerToken: energy / tokens, tokens };
}

/** The sums of so many numbers each, the last one's of what is left. */
function grouped(values: Float64Array, size: number): Float64Array {
  return Float64Array.from({ length: Math.ceil(values.length / size) }, (_, g) =>
    total(values.subarray(g * size, (g + 1) * size)),
  );
}

function total(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}

/** A function of rows on the engine: x [n, D] to [n, D], or to [D], the same for every row. */
type Answer = (x: tf.Tensor2D) => tf.Tensor;

/** What `answer` makes of `inputs` [N, D], `rowsPerPass` rows at a time. */
export function outputsOf(
  inputs: Float32Array,
  width: number,
  rowsPerPass: number,
  answer: Answer,
): Float32Array {
  const outputs = new Float32Array(inputs.length);
  eachPass(inputs.length / width, rowsPerPass, (from, to) =>
    outputs.set(answer(rowsOf(inputs, width, from, to)).dataSync<'float32'>(), from * width),
  );
  return outputs;
}

/** `||answer(x) - t||^2` of every row of `inputs` and `targets` [N, D], in float32, `rowsPerPass` rows at a time. */
export function squaredErrors(
  { inputs, targets }: { readonly inputs: Float32Array; readonly targets: Float32Array },
  width: number,
  rowsPerPass: number,
  answer: Answer,
): Float32Array {
  const errors = new Float32Array(inputs.length / width);
  eachPass(errors.length, rowsPerPass, (from, to) => {
    const output = answer(rowsOf(inputs, width, from, to));
    const squares = tf.sum(tf.squaredDifference(output, rowsOf(targets, width, from, to)), 1);
    errors.set(squares.dataSync<'float32'>(), from);
  });
  return errors;
}

/** The tensors of a pass live until it ends. */
function eachPass(count: number, rowsPerPass: number, visit: (from: number, to: number) => void): void {
  for (let from = 0; from < count; from += rowsPerPass) {
    tf.tidy(() => visit(from, Math.min(count, from + rowsPerPass)));
  }
}

function rowsOf(values: Float32Array, width: number, from: number, to: number): tf.Tensor2D {
  return tf.tensor2d(values.subarray(from * width, to * width), [to - from, width]);
}
