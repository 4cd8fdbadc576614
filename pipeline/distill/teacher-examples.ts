import * as tf from '@tensorflow/tfjs-core';
import { disposeFfn, uploadFfn } from '../model/ffn-tensors.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Gelu } from '../tensor/ops.ts';
import { ffnOutput } from './loss.ts';
import { weightedEnergy, weightedError, type Example, type Examples } from './examples.ts';
import { outputsOf } from '../compress/errors.ts';
import { tokenBatches, type TokenReader } from './token-batches.ts';

export interface TeacherExampleOptions {
  readonly teacher: FfnWeights;
  readonly students: number;
  /** LN2's outputs. */
  readonly tokens: TokenReader;
  /** LN2's outputs [N, D] that neither refit nor training has seen. */
  readonly heldOut: Float32Array;
  readonly gelu: Gelu;
  readonly batchTokens: number;
  readonly seed: number;
}

/**
 * The teacher block's own map, input to output: one read of the inputs and one teacher forward serve every student. All
 * held-out tokens weigh the same, so an error is the share of the teacher's output variance that is lost.
 *
 * @throws RangeError where `heldOut` has no whole rows, or the teacher's output does not vary on it.
 */
export function teacherExamples(options: TeacherExampleOptions): Examples {
  const { students, tokens, gelu, batchTokens, seed } = options;
  const { width, hidden } = options.teacher;
  const count = options.heldOut.length / width;
  if (!Number.isInteger(count) || count < 1) {
    throw new RangeError(`held-out tokens: ${options.heldOut.length} values are no rows of ${width}`);
  }
  const teacher = uploadFfn(options.teacher);
  const answer = (rows: Float32Array): Example => {
    const x = tf.tensor2d(rows, [rows.length / width, width]);
    return { x, target: ffnOutput(x, teacher, gelu) };
  };
  const targets = outputsOf(options.heldOut, width, batchTokens, (x) => ffnOutput(x, teacher, gelu));
  const weights = new Float64Array(count).fill(1 / count);
  const heldOut = [{ inputs: options.heldOut, targets, weights }];
  let energy: number;
  try {
    energy = weightedEnergy(heldOut, width);
  } catch (error) {
    disposeFfn(teacher);
    throw error;
  }
  return {
    students,
    width,
    gelu,
    energyPerToken: new Array<number>(students).fill(energy),
    tokens: tokens.count,
    flopPerToken: 4 * width * hidden,
    async *batches(firstStep) {
      for await (const rows of tokenBatches(tokens, { batchTokens, seed, firstStep })) {
        yield new Array<Example>(students).fill(answer(rows));
      }
      throw new Error('batches are endless');
    },
    errorOf: (_, parameters) => weightedError(heldOut, parameters, gelu, batchTokens) / energy,
    dispose: () => disposeFfn(teacher),
  };
}
