import * as tf from '@tensorflow/tfjs-core';
import { biasedAttention } from '../../tensor/biased-attention.ts';
import { attention } from '../../tensor/attention.ts';
import { tableRows } from '../../tensor/table-rows.ts';
import type { ModelTensors } from '../backbone.ts';
import { relativePlaces, relativeTable } from '../family/relative-positions.ts';
import { weightOf } from '../layers.ts';

/**
 * Attention of all T tokens, or of the class token alone, to all of them, with the bias of their relative positions on the scores where the
 * model has one. q: [B, h, T, d] or [B, h, 1, d]; k, v: [B, h, T, d] -> as q. Differentiable; caller disposes.
 */
export function attend(
  model: ModelTensors,
  block: number,
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
): tf.Tensor {
  if (model.architecture.relativePositionBias !== true) return attention(q, k, v);
  return tf.tidy(() => biasedAttention(q, k, v, biasOf(model, block, q.shape[2] === 1)));
}

/** What is added to the scores: [1, h, T, T], or of the class token [1, h, 1, T]. */
function biasOf(model: ModelTensors, block: number, ofClassToken: boolean): tf.Tensor {
  const { heads } = model.architecture;
  const places = relativePlaces(model.architecture);
  const tokens = places.fromClassToken.length;
  // Stored [positions, h] like a matrix [out, in], so on the engine it is [h, positions].
  const table = tf.transpose(weightOf(model, relativeTable(block)));
  const first = tf.reshape(tf.transpose(tableRows(table, places.fromClassToken)), [1, heads, 1, tokens]);
  if (ofClassToken) return first;
  const { rows, columns, ofPatches, down, right, toClassToken } = places;
  const byRow = tf.reshape(tf.slice(table, [0, 0], [ofPatches, heads]), [2 * rows - 1, -1]);
  const rowPairs = tf.reshape(tableRows(byRow, down), [rows ** 2, 2 * columns - 1, heads]);
  const byColumn = tf.reshape(tf.transpose(rowPairs, [1, 0, 2]), [2 * columns - 1, -1]);
  // Two transposes of four axes: `wasm` has no fast one of five.
  const pairs = tf.reshape(tableRows(byColumn, right), [columns, columns, rows, rows * heads]);
  const own = tf.reshape(tf.transpose(pairs, [2, 0, 3, 1]), [tokens - 1, rows, heads, columns]);
  const patches = tf.reshape(tf.transpose(own, [2, 0, 1, 3]), [1, heads, tokens - 1, tokens - 1]);
  const before = tf.reshape(tf.transpose(tableRows(table, toClassToken)), [1, heads, tokens - 1, 1]);
  return tf.concat([first, tf.concat([before, patches], 3)], 2);
}
