import * as tf from '@tensorflow/tfjs-core';
import type { FfnTensors } from '../model/ffn-tensors.ts';
import type { Gelu } from '../tensor/ops.ts';
import { ffnOutput } from './distill-loss.ts';

/** The teacher's outputs on held-out tokens, kept on the engine. */
export interface HeldOut {
  /** `sum ||y - mean y||^2 / N`: the teacher's centred output energy per token, in float64. */
  readonly energyPerToken: number;
  /** `sum ||FFN(x) - y||^2 / (N energyPerToken)`: the share of the output's variance that is lost. */
  readonly errorOf: (parameters: FfnTensors) => number;
  readonly dispose: () => void;
}

/**
 * Runs the teacher once over the held-out tokens [N, D], `rowsPerPass` rows at a time. Caller disposes.
 * @throws RangeError where there are no whole rows, or the teacher's output does not vary (no scale to compare with).
 */
export function prepareHeldOut(
  tokens: Float32Array,
  teacher: FfnTensors,
  gelu: Gelu,
  rowsPerPass: number,
): HeldOut {
  const width = teacher.fc1Kernel.shape[0];
  const count = tokens.length / width;
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`held-out tokens: ${tokens.length} values are no rows of ${width}`);
  }
  const passes: { x: tf.Tensor; y: tf.Tensor }[] = [];
  for (let start = 0; start < count; start += rowsPerPass) {
    const rows = tokens.slice(start * width, Math.min(count, start + rowsPerPass) * width);
    const x = tf.tensor2d(rows, [rows.length / width, width]);
    passes.push({ x, y: ffnOutput(x, teacher, gelu) });
  }
  const dispose = (): void => tf.dispose(passes.flatMap(({ x, y }) => [x, y]));
  const energyPerToken = centredEnergy(
    passes.map(({ y }) => y.dataSync<'float32'>()),
    width,
  );
  if (!(energyPerToken > 0)) {
    dispose();
    throw new RangeError(`the teacher's output has energy ${energyPerToken} on ${count} held-out tokens`);
  }
  return {
    energyPerToken,
    errorOf(parameters) {
      let sum = 0;
      for (const { x, y } of passes) {
        sum += tf.tidy(() => tf.sum(tf.squaredDifference(ffnOutput(x, parameters, gelu), y)).dataSync()[0]);
      }
      return sum / (count * energyPerToken);
    },
    dispose,
  };
}

/** `sum ||y - mean||^2 / N` in two passes: the difference of moments would lose the digits that matter. */
function centredEnergy(parts: readonly Float32Array[], width: number): number {
  const count = parts.reduce((sum, part) => sum + part.length, 0) / width;
  const mean = new Float64Array(width);
  for (const part of parts) for (let i = 0; i < part.length; i++) mean[i % width] += part[i] / count;
  let energy = 0;
  for (const part of parts) for (let i = 0; i < part.length; i++) energy += (part[i] - mean[i % width]) ** 2;
  return energy / count;
}
