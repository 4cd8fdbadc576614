import * as tf from '@tensorflow/tfjs-core';
import { applyFfn, disposeFfn, uploadFfn } from '../model/ffn-tensors.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { errorRatio, type OutputError } from './errors.ts';
import type { LevelProblemOptions } from './level-problem.ts';
import { sharedTokens, type LevelTokens } from './level-tokens.ts';
import { rowWeights } from './token-weights.ts';

/** The error of one descendant, from any number of held-out images. */
export interface HeldOutError {
  /** The same tokens of whole images in the teacher and in the compressed model. Disposes nothing. */
  add(teacher: LevelTokens, own: LevelTokens): void;
  finish(): OutputError;
  dispose(): void;
}

/**
 * Squared error over the targets' centred energy, tokens weighted and both kinds of inputs mixed as in the fit. Keeps two
 * numbers per image; products and an image's sums in float32 on the engine, sums over images in float64.
 */
export function createHeldOutError(
  descendant: FfnWeights,
  { gelu, sampled, weights, ownShare }: LevelProblemOptions,
): HeldOutError {
  const { width } = descendant;
  const ffn = uploadFfn(descendant);
  const errors: number[] = [];
  const energies: number[] = [];
  const offset = new Float64Array(width);
  let weight = 0;
  let tokens = 0;
  /** Near the mean, so that the energy about it loses no digits: the mean of the first targets. */
  let centre: tf.Tensor | undefined;
  return {
    add(teacher, own) {
      const rows = own.input.shape[0];
      const importance = rowWeights(weights, rows, sampled);
      const parts = sharedTokens(teacher, own, ownShare);
      centre ??= tf.tidy(() => tf.keep(tf.mean(own.target, 0)));
      const about = centre;
      const sums = tf.tidy(() => {
        const ofParts = parts.map(({ tokens: { input, target }, share }) => {
          const counted = tf.tensor2d(
            importance.map((value) => share * value),
            [rows, 1],
          );
          const ofImages = (squares: tf.Tensor): tf.Tensor =>
            tf.sum(tf.reshape(tf.mul(counted, squares), [rows / sampled, sampled * width]), 1);
          const centred = tf.sub(target, about);
          return [
            ofImages(tf.squaredDifference(applyFfn(ffn, input, gelu), target)),
            ofImages(tf.square(centred)),
            tf.sum(tf.mul(counted, centred), 0),
          ] as const;
        });
        return [0, 1, 2].map((index) => tf.addN(ofParts.map((part) => part[index]!)));
      });
      const values = sums.map((tensor) => tensor.dataSync<'float32'>());
      errors.push(...values[0]!);
      energies.push(...values[1]!);
      values[2]!.forEach((value, d) => (offset[d]! += value));
      weight += importance.reduce((sum, value) => sum + value, 0);
      tokens += rows;
      tf.dispose(sums);
    },
    finish() {
      // About the mean the energy is less by what the mean is off.
      const excess = offset.reduce((sum, value) => sum + value ** 2, 0) / weight / energies.length;
      return errorRatio(
        Float64Array.from(errors),
        Float64Array.from(energies, (value) => value - excess),
        tokens,
      );
    },
    dispose() {
      centre?.dispose();
      disposeFfn(ffn);
    },
  };
}
