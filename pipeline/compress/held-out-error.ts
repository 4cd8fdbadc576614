import type { FfnTensors } from '../model/ffn-tensors.ts';
import type { Gelu } from '../tensor/ops.ts';
import { ffnOutput } from '../distill/loss.ts';
import { squaredErrors } from './row-passes.ts';

/** Held-out rows [N, D]. The weights [N] of all parts that are judged together add up to 1. */
export interface HeldOutPart {
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
  readonly weights: Float64Array;
}

/** `sum_w ||FFN(x) - t||^2` over all parts, summed over tokens in float64; `rowsPerPass` rows at a time on the engine. */
export function weightedError(
  parts: readonly HeldOutPart[],
  parameters: FfnTensors,
  gelu: Gelu,
  rowsPerPass: number,
): number {
  const [width] = parameters.fc1Kernel.shape;
  let sum = 0;
  for (const { weights, ...rows } of parts) {
    squaredErrors(rows, width, rowsPerPass, (x) => ffnOutput(x, parameters, gelu)).forEach(
      (error, row) => (sum += weights[row] * error),
    );
  }
  return sum;
}

/**
 * `sum_w ||t - mean_w t||^2` over all parts, in float64 and two passes: the difference of moments would lose the digits
 * that matter.
 * @throws RangeError where it is not above 0: there is no scale to compare errors with.
 */
export function weightedEnergy(
  parts: readonly Pick<HeldOutPart, 'targets' | 'weights'>[],
  width: number,
): number {
  const mean = new Float64Array(width);
  const visit = (at: (weight: number, value: number, d: number) => void): void => {
    for (const { targets, weights } of parts) {
      weights.forEach((weight, row) => {
        for (let d = 0; d < width; d++) at(weight, targets[row * width + d], d);
      });
    }
  };
  let energy = 0;
  visit((weight, value, d) => (mean[d] += weight * value));
  visit((weight, value, d) => (energy += weight * (value - mean[d]) ** 2));
  if (!(energy > 0)) throw new RangeError(`the held-out targets have energy ${energy}`);
  return energy;
}
