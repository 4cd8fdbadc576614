import * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../model/backbone.ts';
import { backboneOf } from '../model/backbones.ts';
import { walkBlocks } from '../model/encoder.ts';

/** What one FFN block sees and makes of the sampled tokens of a batch. */
export interface BlockTokens {
  /** LayerNorm output, fc1's input [n, D] */
  readonly input: tf.Tensor2D;
  /** GELU output [n, H] */
  readonly hidden: tf.Tensor2D;
}

/**
 * One teacher forward pass over `pixels` [B, S, S, C] that shows every block's sampled tokens to `visit` on the way.
 * `rows` are indices into the B*T tokens of the batch, the same for every block or by block. The tensors handed to `visit` live
 * until it returns; it disposes nothing and keeps nothing. Costs one forward pass and a row gather per block.
 */
export function visitBlocks(
  model: ModelTensors,
  pixels: tf.Tensor4D,
  rows: TokenRows,
  visit: (block: number, tokens: BlockTokens) => void,
): void {
  const { embed } = backboneOf(model.architecture);
  const end = walkBlocks(model, embed(model, pixels), {
    visit: (block, features) => {
      const sampled = tf.tensor1d(rowsIn(rows, block), 'int32');
      visit(block, {
        input: pickRows(features['ffn.input'], sampled),
        hidden: pickRows(features['ffn.hidden'], sampled),
      });
      return [];
    },
  });
  end.dispose();
}

/** Which of a batch's B*T tokens are wanted; T may differ from block to block. */
export type TokenRows = Int32Array | ((block: number) => Int32Array);

export function rowsIn(rows: TokenRows, block: number): Int32Array {
  return typeof rows === 'function' ? rows(block) : rows;
}

/** Rows [n, D] of the B*T tokens in x [B, T, D]. Caller disposes. */
export function pickRows(x: tf.Tensor, rows: tf.Tensor1D): tf.Tensor2D {
  return tf.tidy(() => tf.gather(tf.reshape<tf.Rank.R2>(x, [-1, x.shape[x.rank - 1]!]), rows));
}
