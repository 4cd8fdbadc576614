import type * as tf from '@tensorflow/tfjs-core';
import type { FfnTensors } from '../model/ffn-tensors.ts';
import type { Gelu } from '../tensor/ops.ts';
import { squaredErrors } from '../compress/errors.ts';
import { ffnOutput } from './loss.ts';

/** A batch for one student: inputs and targets [n, D]. */
export interface Example {
  readonly x: tf.Tensor;
  readonly target: tf.Tensor;
}

/**
 * What the descendants (students) of one block learn from, and what they are judged by. Made by `teacherExamples` or
 * `composedExamples`; whoever makes them disposes them.
 */
export interface Examples {
  readonly students: number;
  /** D */
  readonly width: number;
  readonly gelu: Gelu;
  /**
   * `sum_w ||t - mean_w t||^2` of each student's held-out targets, the weights w adding up to 1: the unit of its squared
   * error per token.
   */
  readonly energyPerToken: readonly number[];
  /** Of one epoch. */
  readonly tokens: number;
  /** Operations per token that making a batch costs; for the rate that is reported. */
  readonly flopPerToken: number;
  /**
   * Endless batches from a step on, a pure function of seed and step; one example per student. The caller disposes the
   * tensors before it asks for the next batch; students may share them.
   */
  batches(firstStep: number): AsyncGenerator<readonly Example[], never>;
  /** `sum_w ||FFN(x) - t||^2 / energyPerToken` of a student on the held-out tokens. */
  errorOf(student: number, parameters: FfnTensors): number;
  dispose(): void;
}

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
      (error, row) => (sum += weights[row]! * error),
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
        for (let d = 0; d < width; d++) at(weight, targets[row * width + d]!, d);
      });
    }
  };
  let energy = 0;
  visit((weight, value, d) => (mean[d]! += weight * value));
  visit((weight, value, d) => (energy += weight * (value - mean[d]!) ** 2));
  if (!(energy > 0)) throw new RangeError(`the held-out targets have energy ${energy}`);
  return energy;
}
