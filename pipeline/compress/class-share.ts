import * as tf from '@tensorflow/tfjs-core';
import { blockTokens, prefixTokens } from '../model/architecture.ts';
import type { ModelTensors } from '../model/backbone.ts';
import type { Random } from '../util/random.ts';
import { drawnSlopes, visitGradients } from './visit-gradients.ts';

/**
 * The part of a block's squared output gradient that falls on the class token (on all prefix tokens, where a family has
 * more; 0 where it has none), per block, over many images.
 */
export interface ClassShareAccumulator {
  /** Adds a batch `pixels` [B, S, S, C]; `random` gives each image its stream for drawing a label. Disposes nothing. */
  add(pixels: tf.Tensor4D, random: (image: number) => Random): void;
  /** In [0, 1], per block. */
  finish(): number[];
}

/**
 * The gradient is that of `log p(label)` with the label drawn from the teacher's own prediction, so that its square
 * is Fisher's information: how far the prediction moves, to second order, when a token's output is off; of features likewise
 * (`drawnSlopes`). No label is read.
 * Costs about four forward passes.
 */
export function createClassShare(model: ModelTensors): ClassShareAccumulator {
  const { depth } = model.architecture;
  const prefix = prefixTokens(model.architecture);
  const ofClass = new Float64Array(depth);
  const ofAll = new Float64Array(depth);
  return {
    add(pixels, random) {
      const rows = (block: number) =>
        Int32Array.from(
          { length: pixels.shape[0] * blockTokens(model.architecture, block) },
          (_, row) => row,
        );
      const choose = drawnSlopes(model.architecture, random);
      visitGradients(model, pixels, rows, choose, (block, { outputGradient }) => {
        const squares = tf.tidy(() => tf.sum(tf.square(outputGradient), 1).dataSync<'float32'>());
        const tokens = blockTokens(model.architecture, block);
        for (const [row, square] of squares.entries()) {
          ofAll[block]! += square;
          if (row % tokens < prefix) ofClass[block]! += square;
        }
      });
    },
    finish: () => Array.from(ofClass, (value, block) => (ofAll[block]! > 0 ? value / ofAll[block]! : 0)),
  };
}
