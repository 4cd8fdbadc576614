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
  const pairs = { inputs: tokens, targets, tokensPerImage, width };
  return pairErrors(students, [{ pairs, share: 1 }], weights, gelu, rowsPerPass);
}

/** Tokens of one kind and their share of the whole, whatever their number. */
export interface PairShare {
  readonly pairs: Pairs;
  readonly share: number;
}

/**
 * The error of every student against targets that are given: squared error over the targets' centred energy, tokens
 * weighted by `weights` within each part and parts by their share. Parts hold the same images, so an image counts once.
 */
export function pairErrors(
  students: readonly FfnWeights[],
  parts: readonly PairShare[],
  weights: TokenWeights,
  gelu: Gelu,
  rowsPerPass = 4096,
): OutputError[] {
  const used = parts.filter(({ share }) => share > 0);
  const { inputs, tokensPerImage, width } = used[0]!.pairs;
  const count = inputs.length / width;
  const importance = rowWeights(weights, count, tokensPerImage);
  const total = importance.reduce((sum, weight) => sum + weight, 0);
  // The energy about the mean: from raw moments it would lose the digits that matter.
  const mean = new Float64Array(width);
  for (const { pairs, share } of used) {
    for (const [i, value] of pairs.targets.entries()) {
      mean[i % width]! += (share * value * importance[Math.floor(i / width)]!) / total;
    }
  }
  /** Weighted squared distances of the targets from what `answer` makes of the inputs, per token. */
  const distances = (answer: (x: tf.Tensor2D) => tf.Tensor): Float64Array => {
    const sums = new Float64Array(count);
    for (const { pairs, share } of used) {
      for (const [row, square] of squaredErrors(pairs, width, rowsPerPass, answer).entries()) {
        sums[row]! += share * importance[row]! * square;
      }
    }
    return sums;
  };
  const energies = distances(() => tf.tensor1d(Float32Array.from(mean)));
  return students.map((student) => {
    const network = uploadFfn(student);
    const errors = distances((x) => applyFfn(network, x, gelu));
    disposeFfn(network);
    return ratio(errors, energies, tokensPerImage);
  });
}

const uniform: TokenWeights = { prefixTokens: 0, prefix: 1, patch: 1 };

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
