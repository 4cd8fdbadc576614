import * as tf from '@tensorflow/tfjs-core';

/** Mean and centred covariance of one block's hidden units over the calibration tokens: all that order and refit need. */
export interface BlockStatistics {
  /** Tokens; their total weight where they are weighted. */
  readonly count: number;
  /** mu [H] */
  readonly mean: Float64Array;
  /** C [H, H], divided by `count` (not count - 1), both triangles. */
  readonly covariance: Float64Array;
}

/**
 * The statistics of both token sets together, by the pairwise update of Chan, Golub and LeVeque (1979):
 * `C = a C_a + b C_b + a b d d'` with shares a, b and d the difference of the means.
 */
export function mergeStatistics(first: BlockStatistics, second: BlockStatistics): BlockStatistics {
  const hidden = first.mean.length;
  if (second.mean.length !== hidden) {
    throw new RangeError(`statistics of ${hidden} and of ${second.mean.length} hidden units do not merge`);
  }
  if (second.count === 0) return first;
  if (first.count === 0) return second;
  const count = first.count + second.count;
  const a = first.count / count;
  const b = second.count / count;
  const difference = second.mean.map((value, j) => value - first.mean[j]!);
  const mean = first.mean.map((value, j) => value + b * difference[j]!);
  const covariance = new Float64Array(hidden * hidden);
  for (let i = 0; i < hidden; i++) {
    const shift = a * b * difference[i]!;
    for (let j = 0, at = i * hidden; j < hidden; j++, at++) {
      covariance[at] = a * first.covariance[at]! + b * second.covariance[at]! + shift * difference[j]!;
    }
  }
  return { count, mean, covariance };
}

/** What an accumulator holds, as plain arrays: written at a checkpoint, given back to `restore`. */
export interface StatisticsState {
  readonly count: number;
  /** [H]: subtracted from every token before anything is summed. Zeros while count is 0. */
  readonly shift: Float32Array;
  /** [H]: sum of the shifted activations. */
  readonly sum: Float64Array;
  /** The sums of products of the block pairs (row <= column), one after the other, each row-major. */
  readonly products: Float64Array;
}

export interface StatisticsAccumulator {
  /**
   * Adds the activations h [T, H] of T tokens, each counted `weights[t]` times (default: once).
   * Disposes nothing; keeps no reference to `h`.
   */
  add(h: tf.Tensor2D, weights?: Float32Array): void;
  state(): StatisticsState;
  /** Continues from `state`. @throws RangeError where it is of another H. */
  restore(state: StatisticsState): void;
  /** The statistics of all tokens so far (count 0 and zeros when there are none); adding may go on afterwards. */
  finish(): BlockStatistics;
  /** Frees what the engine holds. */
  dispose(): void;
}

/** Tokens summed on the engine in float32 before they move into the host's float64 sums: a move costs 2.5 H^2 bytes. */
const FLUSH_TOKENS = 16384;
/** Only block pairs on and above the diagonal are computed: 62.5 % of the work with four blocks. */
const BLOCKS = 4;
/** Smaller blocks than this cost more in calls than they save. */
const SMALLEST_BLOCK = 128;

/**
 * Accumulates mean and covariance of the hidden units over any number of batches. The engine works in float32 on
 * activations shifted by the mean of the first batch, so that a mean far larger than the spread does not cancel it away
 * (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983); the sums move to float64 regularly.
 * Holds 0.625 H^2 numbers on the engine and as many float64 numbers on the host. Safe inside `tf.tidy`.
 */
export function createStatistics(hidden: number): StatisticsAccumulator {
  const sizes = blockSizes(hidden);
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  const pairs = sizes.flatMap((_, i) => sizes.slice(i).map((_, j) => ({ row: i, column: i + j })));
  const pairSizes = pairs.map(({ row, column }) => sizes[row]! * sizes[column]!);
  const pairStarts = pairSizes.map((_, i) => pairSizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  let count = 0;
  let shift = new Float32Array(hidden);
  let sum = new Float64Array(hidden);
  let products = new Float64Array(pairSizes.reduce((total, size) => total + size, 0));
  let shiftTensor: tf.Tensor | undefined;
  /** The sum [1, H], then one sum of products per pair; empty when everything is on the host. */
  let pending: tf.Tensor[] = [];
  let pendingTokens = 0;

  function flush(): void {
    for (const [index, tensor] of pending.entries()) {
      const values = tensor.dataSync();
      const target = index === 0 ? sum : products;
      const start = index === 0 ? 0 : pairStarts[index - 1]!;
      for (let i = 0; i < values.length; i++) target[start + i]! += values[i]!;
      tensor.dispose();
    }
    pending = [];
    pendingTokens = 0;
  }

  function releaseShift(): void {
    shiftTensor?.dispose();
    shiftTensor = undefined;
  }

  return {
    add(h, weights) {
      const [tokens, units] = h.shape;
      if (units !== hidden) throw new RangeError(`activations of ${units} hidden units, expected ${hidden}`);
      if (tokens === 0) return;
      if (count === 0) {
        shift = tf.tidy(() => Float32Array.from(tf.mean(h, 0).dataSync()));
        releaseShift();
      }
      shiftTensor ??= tf.keep(tf.tensor1d(shift));
      const shifted = shiftTensor;
      const next = tf.tidy(() => {
        // Rows times sqrt(w): their products then carry w.
        const roots = weights === undefined ? tf.ones([tokens]) : tf.sqrt(tf.tensor1d(weights));
        const difference: tf.Tensor2D = tf.sub(h, shifted);
        const centred: tf.Tensor2D =
          weights === undefined ? difference : tf.mul(difference, tf.reshape(roots, [tokens, 1]));
        const parts = sizes.length === 1 ? [centred] : tf.split(centred, [...sizes], 1);
        // The transpose flag is free on `tensorflow` and 10-45 times slower than transposing on `wasm`.
        const transposeFirst = tf.getBackend() === 'wasm';
        const lefts = transposeFirst ? parts.map((part) => tf.transpose(part)) : parts;
        const sums = [
          tf.matMul(tf.reshape<tf.Rank.R2>(roots, [1, tokens]), centred),
          ...pairs.map(({ row, column }) => tf.matMul(lefts[row]!, parts[column]!, !transposeFirst)),
        ];
        return sums.map((tensor, i) => tf.keep(pending.length === 0 ? tensor : tf.add(pending[i]!, tensor)));
      });
      for (const tensor of pending) tensor.dispose();
      pending = next;
      count += weights === undefined ? tokens : weights.reduce((sum, weight) => sum + weight, 0);
      pendingTokens += tokens;
      if (pendingTokens >= FLUSH_TOKENS) flush();
    },
    state() {
      flush();
      return { count, shift: shift.slice(), sum: sum.slice(), products: products.slice() };
    },
    restore(state) {
      if (state.shift.length !== hidden || state.products.length !== products.length) {
        throw new RangeError(`a state of ${state.shift.length} hidden units, expected ${hidden}`);
      }
      for (const tensor of pending) tensor.dispose();
      pending = [];
      pendingTokens = 0;
      releaseShift();
      count = state.count;
      shift = state.shift.slice();
      sum = state.sum.slice();
      products = state.products.slice();
    },
    finish() {
      flush();
      const difference = sum.map((value) => (count === 0 ? 0 : value / count));
      const mean = difference.map((value, j) => value + shift[j]!);
      const covariance = new Float64Array(hidden * hidden);
      for (const [index, { row, column }] of pairs.entries()) {
        for (let r = 0; r < sizes[row]!; r++) {
          const i = starts[row]! + r;
          // On diagonal pairs the upper half serves both triangles, so that the result is symmetric to the bit.
          for (let c = row === column ? r : 0; c < sizes[column]!; c++) {
            const j = starts[column]! + c;
            const total = products[pairStarts[index]! + r * sizes[column]! + c]!;
            const value = count === 0 ? 0 : total / count - difference[i]! * difference[j]!;
            covariance[i * hidden + j] = value;
            covariance[j * hidden + i] = value;
          }
        }
      }
      return { count, mean, covariance };
    },
    dispose() {
      for (const tensor of pending) tensor.dispose();
      pending = [];
      pendingTokens = 0;
      releaseShift();
    },
  };
}

function blockSizes(hidden: number): readonly number[] {
  if (hidden < BLOCKS * SMALLEST_BLOCK) return [hidden];
  const size = Math.ceil(hidden / BLOCKS);
  return Array.from({ length: BLOCKS }, (_, i) => Math.min(size, hidden - i * size));
}
