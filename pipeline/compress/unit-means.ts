/** What single criteria ask for beside the statistics: means over the calibration tokens, one number per hidden unit. */
import * as tf from '@tensorflow/tfjs-core';
import { product } from '../tensor/ops.ts';
import type { Need } from './order/criterion.ts';

/** As plain values: written at a checkpoint, given back to `restore`. */
export interface UnitMeansState {
  /** Tokens; their total weight where they are weighted. */
  readonly count: number;
  /** [H] */
  readonly sum: Float64Array;
  /** Of `createActiveRate`, once it is known. */
  readonly threshold?: number | undefined;
}

/** Tokens of a batch at one block. */
export interface UnitTokens {
  /** Activations [T, H] */
  readonly hidden: tf.Tensor2D;
  /**
   * In the pass back: the gradient at the block's output [T, D], and fc2's kernel [H, D], which carries it to the units
   * (`y = h W2 + b2`, so `dL/dh = dL/dy W2'`).
   */
  readonly back?: { readonly outputGradient: tf.Tensor2D; readonly fc2Kernel: tf.Tensor } | undefined;
}

/** A mean over tokens of one number per unit. */
export interface UnitMeans {
  /** Adds tokens, each counted `weights[t]` times (default: once). Keeps nothing. */
  add(tokens: UnitTokens, weights?: Float32Array): void;
  state(): UnitMeansState;
  restore(state: UnitMeansState): void;
  /** [H]: the mean over the tokens so far; zeros without tokens. */
  finish(): Float64Array;
}

/**
 * How every need is summed up, and which pass shows it its tokens: the one forth, or the one back as well, which costs about
 * four forward passes more.
 */
export const unitMeans: Readonly<
  Record<Need, { readonly pass: 'forth' | 'back'; readonly create: (hidden: number) => UnitMeans }>
> = {
  activeRate: { pass: 'forth', create: createActiveRate },
  saliency: { pass: 'back', create: createSaliency },
};

/** A unit is active where |h| exceeds this share of the layer's root mean square. */
const THRESHOLD = 0.01;

/**
 * The share of tokens on which a unit is active. The layer's root mean square is that of the first batch: one number over
 * all of its units; shards have one each.
 */
export function createActiveRate(hidden: number): UnitMeans {
  let threshold: number | undefined;
  const sums = unitSums(hidden);
  return {
    add({ hidden: h }, weights) {
      if (h.shape[0] === 0) return;
      sums.add(
        h,
        (checked) => {
          threshold ??= THRESHOLD * Math.sqrt(tf.mean(tf.square(checked)).dataSync()[0]!);
          return tf.cast(tf.greater(tf.abs(checked), threshold), 'float32');
        },
        weights,
      );
    },
    state: () => ({ ...sums.state(), threshold }),
    restore(state) {
      sums.restore(state);
      ({ threshold } = state);
    },
    finish: sums.finish,
  };
}

/** The mean of |gradient x activation|. */
export function createSaliency(hidden: number): UnitMeans {
  const sums = unitSums(hidden);
  return {
    ...sums,
    add({ hidden: h, back }, weights) {
      if (back === undefined) throw new Error('saliency is of the pass back');
      const { outputGradient, fc2Kernel } = back;
      sums.add(h, () => tf.abs(tf.mul(product(outputGradient, fc2Kernel, false, true), h)), weights);
    },
  };
}

/** Sums over tokens, in float32 on the engine within a batch and in float64 over batches. */
function unitSums(hidden: number) {
  let count = 0;
  let sum = new Float64Array(hidden);
  return {
    add(h: tf.Tensor2D, valuesOf: (h: tf.Tensor2D) => tf.Tensor, weights?: Float32Array): void {
      const [tokens, units] = h.shape;
      if (units !== hidden) throw new RangeError(`activations of ${units} hidden units, expected ${hidden}`);
      const batch = tf.tidy(() => {
        const values = valuesOf(h);
        const weighted = weights === undefined ? values : tf.mul(values, tf.tensor2d(weights, [tokens, 1]));
        return tf.sum(weighted, 0).dataSync();
      });
      for (let j = 0; j < hidden; j++) sum[j]! += batch[j]!;
      count += weights === undefined ? tokens : weights.reduce((total, weight) => total + weight, 0);
    },
    state: (): UnitMeansState => ({ count, sum: sum.slice() }),
    restore(state: UnitMeansState): void {
      if (state.sum.length !== hidden) {
        throw new RangeError(`a state of ${state.sum.length} hidden units, expected ${hidden}`);
      }
      count = state.count;
      sum = state.sum.slice();
    },
    finish: () => sum.map((value) => (count === 0 ? 0 : value / count)),
  };
}
