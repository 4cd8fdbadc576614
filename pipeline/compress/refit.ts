import { sliceFfn } from '../model/ffn-weights.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { factorise } from '../tensor/float64/cholesky.ts';
import { block, copyOf, matrix, transposed } from '../tensor/float64/matrix.ts';
import type { Matrix } from '../tensor/float64/matrix.ts';
import { addProduct } from '../tensor/float64/product.ts';
import { solveLower, solveUpper } from '../tensor/float64/triangular.ts';
import { absoluteRidge } from './ridge.ts';
import type { BlockStatistics } from './statistics.ts';
import { teacherTargets, type Targets } from './targets.ts';

export interface RefitOptions {
  /** Ridge as a share of the mean diagonal of the covariance of all units. */
  readonly ridge: number;
  /**
   * affine: the best fc2, weights and bias (docs/design.md, refit). mean-shift: fc2's rows stay, the bias takes over the mean of what
   * was removed (variance-based pruning). none: rows and bias stay.
   */
  readonly method: 'affine' | 'mean-shift' | 'none';
}

export interface FittedFfn {
  /** H', the kept units. */
  readonly width: number;
  readonly weights: FfnWeights;
  /** Expected squared output error per token, summed over D, on the tokens of the statistics. */
  readonly predictedError: number;
  /** The same over the centred energy of the teacher's output, `tr(W2' C W2)`; 0 where that energy is 0. */
  readonly relativePredictedError: number;
  /** The ridge used, as a variance, and whether a pivot that was not positive made it larger than asked for. */
  readonly ridge: number;
  readonly ridgeRaised: boolean;
}

/**
 * Cuts a block to the first `width` units of an order, for each width, and gives every result its closed-form fc2: the
 * one nearest to `targets`, by default what the teacher's block puts out.
 * One factorisation serves all widths: the leading k x k part of the Cholesky factor of the ordered covariance is the
 * factor of the first k units, and the first k rows of the forward solution are theirs too. Results in the order of
 * `widths`. Float64 up to the last rounding to float32. @throws RangeError for a width outside 1..H.
 */
export function refit(
  weights: FfnWeights,
  statistics: BlockStatistics,
  units: ArrayLike<number>,
  widths: readonly number[],
  { ridge, method }: RefitOptions,
  targets: Targets = teacherTargets(weights, statistics),
): FittedFfn[] {
  const { hidden } = weights;
  if (units.length !== hidden || statistics.mean.length !== hidden) {
    throw new RangeError(
      `an order of ${units.length} and statistics of ${statistics.mean.length} for H = ${hidden}`,
    );
  }
  for (const width of widths) {
    if (!Number.isInteger(width) || width < 1 || width > hidden) {
      throw new RangeError(`width ${width} is not one of 1..${hidden}`);
    }
  }
  const fc2 = matrix(hidden, weights.width, Float64Array.from(weights.fc2Kernel));
  const { energy } = targets;
  const fit = method === 'affine' ? affineFit : keptFit;
  const fits = fit({
    weights,
    statistics,
    units,
    widths,
    ridge,
    fc2,
    targets,
    shift: method !== 'none',
  });
  return fits.map(({ kernel, bias, error, ...used }, index) => {
    const predictedError = Math.max(0, error);
    const width = widths[index]!;
    return {
      width,
      weights: {
        ...sliceFfn(weights, Array.prototype.slice.call(units, 0, width) as number[]),
        fc2Kernel: Float32Array.from(kernel),
        fc2Bias: Float32Array.from(bias),
      },
      predictedError,
      relativePredictedError: energy > 0 ? predictedError / energy : 0,
      ...used,
    };
  });
}

interface FitInput {
  readonly weights: FfnWeights;
  readonly statistics: BlockStatistics;
  readonly units: ArrayLike<number>;
  readonly widths: readonly number[];
  /** Share of the mean diagonal. */
  readonly ridge: number;
  readonly fc2: Matrix;
  readonly targets: Targets;
  readonly shift: boolean;
}

interface Solution {
  readonly kernel: Float64Array;
  readonly bias: Float64Array;
  readonly error: number;
  readonly ridge: number;
  readonly ridgeRaised: boolean;
}

/**
 * `W = (C_SS + r)^-1 M_S`, `b = mean t - mu_S W`, M the covariance of units and targets t. With L L' = C_SS + r and
 * Y = L^-1 M_S the error is `energy - ||Y||^2 - r ||W||^2`: the regularised optimum less the penalty it contains.
 */
function affineFit({ weights, statistics, units, widths, ridge: share, targets }: FitInput): Solution[] {
  const { hidden, width } = weights;
  const widest = Math.max(...widths, 0);
  const covariance = matrix(widest, widest);
  const solution = matrix(widest, width);
  for (let i = 0; i < widest; i++) {
    const row = units[i]! * hidden;
    for (let j = 0; j <= i; j++) covariance.data[i * widest + j] = statistics.covariance[row + units[j]!]!;
    solution.data.set(targets.shared.subarray(units[i]! * width, (units[i]! + 1) * width), i * width);
  }
  const wanted = absoluteRidge(statistics.covariance, hidden, share);
  const { factor, ridge, ridgeRaised } = factorise(covariance, wanted);
  solveLower(factor, solution);
  return widths.map((k) => {
    const refitted = copyOf(block(solution, 0, 0, k, width));
    const explained = dot(refitted.data, refitted.data);
    solveUpper(transposed(block(factor, 0, 0, k, k)), refitted);
    const bias = targets.mean.slice();
    addMeans(bias, -1, statistics.mean, Array.prototype.slice.call(units, 0, k) as number[], refitted.data);
    const error = targets.energy - explained - ridge * dot(refitted.data, refitted.data);
    return { kernel: refitted.data, bias, error, ridge, ridgeRaised };
  });
}

/** fc2's rows as they are. The error is that of leaving out V = W2 of the removed units: `tr(V' C_PP V)`, plus `||mu_P V||^2` without the shift. */
function keptFit({ weights, statistics, units, widths, fc2, shift }: FitInput): Solution[] {
  const { hidden, width } = weights;
  return widths.map((k) => {
    const kernel = new Float64Array(k * width);
    for (let i = 0; i < k; i++)
      kernel.set(fc2.data.subarray(units[i]! * width, (units[i]! + 1) * width), i * width);
    const removed = Array.prototype.slice.call(units, k) as number[];
    const p = removed.length;
    const covariance = matrix(p, p);
    const rows = matrix(p, width);
    for (const [i, unit] of removed.entries()) {
      const row = unit * hidden;
      for (let j = 0; j < p; j++) covariance.data[i * p + j] = statistics.covariance[row + removed[j]!]!;
      rows.data.set(fc2.data.subarray(unit * width, (unit + 1) * width), i * width);
    }
    const product = matrix(p, width);
    addProduct(product, 1, covariance, rows);
    const lost = new Float64Array(width);
    addMeans(lost, 1, statistics.mean, removed, rows.data);
    const bias = Float64Array.from(weights.fc2Bias);
    if (shift) for (let d = 0; d < width; d++) bias[d]! += lost[d]!;
    const error = dot(product.data, rows.data) + (shift ? 0 : dot(lost, lost));
    return { kernel, bias, error, ridge: 0, ridgeRaised: false };
  });
}

/** target [D] += sign * sum over i of mean[units[i]] * rows[i], rows [units.length, D]. */
function addMeans(
  target: Float64Array,
  sign: 1 | -1,
  mean: Float64Array,
  units: readonly number[],
  rows: Float64Array,
): void {
  for (const [i, unit] of units.entries()) {
    const factor = sign * mean[unit]!;
    for (let d = 0; d < target.length; d++) target[d]! += factor * rows[i * target.length + d]!;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
