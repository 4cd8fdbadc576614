import * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../model/backbone.ts';
import { wholeFeatures } from './teacher-features.ts';

/** The units of errors, measured once. A type, not an interface, so that it is JSON. */
export type Energies = {
  /** By block: `E ||t - E t||^2` of the teacher's residual stream t after it, per token. */
  readonly stream: readonly number[];
  /** By block: the same of the block's output before it joins the stream. */
  readonly output: readonly number[];
};

/** Of the largest energy of all blocks: below it an energy is taken for this, so that a dead block is not all that a loss sees. */
const floorShare = 1e-9;

/**
 * The teacher's energies on images, of the last block for the tokens that the head reads. Disposes the batches.
 * @throws RangeError where nothing varies: there is no scale to compare errors with.
 */
export async function measureEnergies(
  model: ModelTensors,
  batches: AsyncIterable<tf.Tensor4D>,
): Promise<Energies> {
  const { depth } = model.architecture;
  const stream = Array.from({ length: depth }, createSpread);
  const output = Array.from({ length: depth }, createSpread);
  for await (const pixels of batches) {
    tf.tidy(() => {
      const { own, given } = wholeFeatures(model, pixels);
      own.after.forEach((x, block) => stream[block]!.add(x));
      given.forEach(({ target }, block) => output[block]!.add(target));
    });
    pixels.dispose();
  }
  return { stream: floored(stream), output: floored(output) };
}

function floored(spreads: readonly Spread[]): number[] {
  const energies = spreads.map((spread) => spread.energy());
  const largest = Math.max(...energies);
  if (!(largest > 0)) throw new RangeError(`the held-out images have energy ${largest}`);
  return energies.map((energy) => Math.max(energy, floorShare * largest));
}

interface Spread {
  /** x [..., D] */
  add(x: tf.Tensor): void;
  /** Of the rows seen so far, per row. */
  energy(): number;
}

/** Sums about the first batch's mean: from raw moments the digits that matter would be lost where the mean is large. */
function createSpread(): Spread {
  let centre: Float32Array | undefined;
  let sums = new Float64Array(0);
  let squares = 0;
  let rows = 0;
  return {
    add(x) {
      tf.tidy(() => {
        const all = tf.reshape<tf.Rank.R2>(x, [-1, x.shape[x.rank - 1]!]);
        centre ??= tf.mean(all, 0).dataSync<'float32'>().slice();
        if (sums.length === 0) sums = new Float64Array(centre.length);
        const centred = tf.sub(all, tf.tensor1d(centre));
        tf.sum(centred, 0)
          .dataSync<'float32'>()
          .forEach((sum, d) => (sums[d]! += sum));
        squares += tf.sum(tf.square(centred)).dataSync<'float32'>()[0]!;
        rows += all.shape[0];
      });
    },
    energy: () => squares / rows - sums.reduce((total, sum) => total + (sum / rows) ** 2, 0),
  };
}
