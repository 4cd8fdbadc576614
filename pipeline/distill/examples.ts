import type * as tf from '@tensorflow/tfjs-core';
import type { FfnTensors } from '../model/ffn-tensors.ts';
import type { Gelu } from '../tensor/ops.ts';

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
