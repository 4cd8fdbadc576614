import * as tf from '@tensorflow/tfjs-core';
import { closeness } from '../measure/closeness.ts';
import type { ModelTensors } from '../model/backbone.ts';
import { logitsFrom } from '../model/encoder.ts';
import type { FfnTensors } from '../model/ffn-tensors.ts';
import type { ModelLook } from './distill-task.ts';
import { ffnOutput } from './loss.ts';
import { wholeFeatures } from './teacher-features.ts';

export type Seen = Pick<ModelLook, 'kl' | 'agreement' | 'errors'>;

/**
 * Every student as a whole, and each of its blocks on the teacher's inputs, on held-out images. `outputEnergies` by block, per token
 * (`Energies`). Disposes the batches.
 */
export async function lookAt(
  model: ModelTensors,
  students: readonly (readonly FfnTensors[])[],
  outputEnergies: readonly number[],
  batches: AsyncIterable<tf.Tensor4D>,
): Promise<Seen> {
  const { gelu } = model.architecture;
  const kl = students.map(() => 0);
  const agreement = students.map(() => 0);
  const squares = students.map(() => outputEnergies.map(() => 0));
  const rows = outputEnergies.map(() => 0);
  let count = 0;
  for await (const pixels of batches) {
    const images = pixels.shape[0];
    tf.tidy(() => {
      const { own, given } = wholeFeatures(model, pixels);
      const near = closeness(model.architecture, own.logits.dataSync<'float32'>());
      for (const [index, ffns] of students.entries()) {
        const logits = tf.tidy(() => logitsFrom(model, 0, own.first, (block) => ffns[block]!));
        const found = near(logits.dataSync<'float32'>());
        kl[index]! += found.divergences.reduce((sum, value) => sum + value, 0);
        agreement[index]! += found.agree.reduce((sum, value) => sum + value, 0);
        for (const [block, { input, target }] of given.entries()) {
          squares[index]![block]! += tf.tidy(() => {
            const error = tf.squaredDifference(ffnOutput(input, ffns[block]!, gelu), target);
            return tf.sum(error).dataSync<'float32'>()[0]!;
          });
        }
      }
      given.forEach(({ input }, block) => (rows[block]! += input.shape[0]));
    });
    count += images;
    pixels.dispose();
  }
  if (count === 0) throw new RangeError('no held-out images to look at');
  return {
    kl: kl.map((sum) => sum / count),
    agreement: agreement.map((sum) => sum / count),
    errors: squares.map((sums) => sums.map((sum, block) => sum / (rows[block]! * outputEnergies[block]!))),
  };
}
