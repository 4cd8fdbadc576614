import type { BlockStatistics } from '../../pipeline/compress/statistics.ts';
import { type FfnWeights, randomFfn } from '../../pipeline/model/ffn-weights.ts';
import { random } from '../../pipeline/util/random.ts';

export interface SampleBlock {
  readonly weights: FfnWeights;
  /** Block inputs [T, D] */
  readonly tokens: Float32Array;
  /** Their hidden activations [T, H], tanh-GELU in float64 */
  readonly activations: Float64Array;
  readonly statistics: BlockStatistics;
}

/** A random block with correlated units and the exact statistics of its activations on `count` random tokens. */
export function sampleBlock({ width = 6, hidden = 20, count = 200, seed = 1 } = {}): SampleBlock {
  const numbers = random(seed, 'sample-block');
  const deviations = {
    fc1Kernel: 1 / Math.sqrt(width),
    fc1Bias: 0.5,
    gateKernel: 1 / Math.sqrt(width),
    gateBias: 0.5,
    fc2Kernel: 1 / Math.sqrt(hidden),
    fc2Bias: 0.3,
  };
  const weights = randomFfn(width, hidden, (part) => deviations[part] * numbers.normal());
  const tokens = Float32Array.from({ length: count * width }, () => numbers.normal());
  const activations = hiddenOf(weights, tokens);
  return { weights, tokens, activations, statistics: twoPass(activations, hidden) };
}

/** GELU(x W1 + b1) [T, H] in float64 (the tanh form, which needs no error function). */
export function hiddenOf(
  { width, hidden, fc1Kernel, fc1Bias }: FfnWeights,
  tokens: Float32Array,
): Float64Array {
  const count = tokens.length / width;
  const result = new Float64Array(count * hidden);
  for (let t = 0; t < count; t++) {
    for (let j = 0; j < hidden; j++) {
      let z = fc1Bias[j]!;
      for (let d = 0; d < width; d++) z += tokens[t * width + d]! * fc1Kernel[d * hidden + j]!;
      result[t * hidden + j] = 0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3)));
    }
  }
  return result;
}

/** The block's outputs [T, D] in float64. */
export function outputOf(weights: FfnWeights, tokens: Float32Array): Float64Array {
  const { width, hidden, fc2Kernel, fc2Bias } = weights;
  const h = hiddenOf(weights, tokens);
  const count = tokens.length / width;
  const result = new Float64Array(count * width);
  for (let t = 0; t < count; t++) {
    for (let d = 0; d < width; d++) {
      let y = fc2Bias[d]!;
      for (let j = 0; j < hidden; j++) y += h[t * hidden + j]! * fc2Kernel[j * width + d]!;
      result[t * width + d] = y;
    }
  }
  return result;
}

/** Mean and covariance by the definition, in float64. */
export function twoPass(h: ArrayLike<number>, hidden: number): BlockStatistics {
  const count = h.length / hidden;
  const mean = new Float64Array(hidden);
  for (let i = 0; i < h.length; i++) mean[i % hidden]! += h[i]! / count;
  const covariance = new Float64Array(hidden * hidden);
  for (let t = 0; t < count; t++) {
    for (let i = 0; i < hidden; i++) {
      for (let j = 0; j < hidden; j++) {
        covariance[i * hidden + j]! +=
          ((h[t * hidden + i]! - mean[i]!) * (h[t * hidden + j]! - mean[j]!)) / count;
      }
    }
  }
  return { count, mean, covariance };
}

/** Squared distance per token, summed over the width. */
export function errorPerToken(a: Float64Array, b: Float64Array, count: number): number {
  return a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / count;
}

/**
 * Ordinary least squares with an intercept of targets [T, D] on the columns `units` of activations [T, H], by Gaussian
 * elimination of the normal equations: a second way to the refit, from the raw data. Returns rows [units + 1, D].
 */
export function leastSquares(
  activations: Float64Array,
  hidden: number,
  units: readonly number[],
  targets: Float64Array,
): number[][] {
  const count = activations.length / hidden;
  const width = targets.length / count;
  const columns = (t: number) => [...units.map((unit) => activations[t * hidden + unit]), 1];
  const size = units.length + 1;
  const system = Array.from({ length: size }, () => new Array<number>(size + width).fill(0));
  for (let t = 0; t < count; t++) {
    const row = columns(t);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) system[i]![j]! += row[i]! * row[j]!;
      for (let d = 0; d < width; d++) system[i]![size + d]! += row[i]! * targets[t * width + d]!;
    }
  }
  for (let i = 0; i < size; i++) {
    let pivot = i;
    for (let r = i + 1; r < size; r++) if (Math.abs(system[r]![i]!) > Math.abs(system[pivot]![i]!)) pivot = r;
    [system[i], system[pivot]] = [system[pivot]!, system[i]!];
    for (let r = 0; r < size; r++) {
      if (r === i) continue;
      const factor = system[r]![i]! / system[i]![i]!;
      for (let c = i; c < size + width; c++) system[r]![c]! -= factor * system[i]![c]!;
    }
  }
  return system.map((row, i) => row.slice(size).map((value) => value / row[i]!));
}
