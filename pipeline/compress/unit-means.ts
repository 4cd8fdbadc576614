/** What single criteria ask for beside the statistics: means over the calibration tokens, one number per hidden unit. */
import * as tf from '@tensorflow/tfjs-core';
import { product } from '../tensor/ops.ts';

/** As plain values: written at a checkpoint, given back to `restore`. */
export interface UnitMeansState {
  /** Tokens; their total weight where they are weighted. */
  readonly count: number;
  /** [H] */
  readonly sum: Float64Array;
  /** Of `createActiveRate`, once it is known. */
  readonly threshold?: number | undefined;
}

interface UnitMeans {
  state(): UnitMeansState;
  restore(state: UnitMeansState): void;
  /** [H]: the mean over the tokens so far; zeros without tokens. */
  finish(): Float64Array;
}

export interface ActiveRate extends UnitMeans {
  /** Adds the activations h [T, H] of T tokens, each counted `weights[t]` times (default: once). Keeps nothing. */
  add(h: tf.Tensor2D, weights?: Float32Array): void;
}

export interface Saliency extends UnitMeans {
  /**
   * Adds T tokens: their activations h [T, H], the gradient at the block's output [T, D], and fc2's kernel [H, D], which
   * carries it to the units (`y = h W2 + b2`, so `dL/dh = dL/dy W2'`). Keeps nothing.
   */
  add(h: tf.Tensor2D, outputGradient: tf.Tensor2D, fc2Kernel: tf.Tensor, weights?: Float32Array): void;
}

/** A unit is active where |h| exceeds this share of the layer's root mean square. */
const THRESHOLD = 0.01;

/**
 * The share of tokens on which a unit is active. The layer's root mean square is that of the first batch: one number over
 * all of its units; shards have one each.
 */
export function createActiveRate(hidden: number): ActiveRate {
  let threshold: number | undefined;
  const sums = unitSums(hidden);
  return {
    add(h, weights) {
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
export function createSaliency(hidden: number): Saliency {
  const sums = unitSums(hidden);
  return {
    ...sums,
    add: (h, outputGradient, fc2Kernel, weights) =>
      sums.add(h, () => tf.abs(tf.mul(product(outputGradient, fc2Kernel, false, true), h)), weights),
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
