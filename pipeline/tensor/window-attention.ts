import * as tf from '@tensorflow/tfjs-core';
import { attend, attendBack, type Attended } from './attention-steps.ts';
import { tableRows } from './table-rows.ts';

/** Which tokens look at each other. */
export interface Windowing {
  readonly heads: number;
  /** Token of the image at every place, window by window: each of T once. */
  readonly tokens: Int32Array;
}

/**
 * Multi-head scaled dot-product attention within windows of N tokens, with a bias on the scores, `softmax(q k' / sqrt(d) + bias) v`.
 * qkv: [B, T, 3 h d], the queries head by head, then the keys, then the values; bias: [W, h, N, N], or [1, h, N, N] for all windows
 * -> [B, T, h d], every token at its own place. Differentiable; run inside a tidy. The gradient as that of `attention`.
 *
 * Heads and windows are set out, and put back, by one gathering each: in narrow stages of many tokens, passes over memory are what counts.
 */
export function windowAttention(qkv: tf.Tensor, bias: tf.Tensor, { heads, tokens }: Windowing): tf.Tensor {
  const [batch, count, tripled] = qkv.shape as [number, number, number];
  const size = tripled / (3 * heads);
  const inside = bias.shape[2]!;
  const grouped = [(batch * count) / inside, heads, inside, size];
  const places = headPlaces(tokens, inside, heads);
  const parts = [0, 1, 2].map((part) =>
    places.map((at) => Math.floor(at / heads) * 3 * heads + part * heads + (at % heads)),
  );
  /** [B, T h.., d] in the order given, as [B W, h, N, d]. */
  const setOut = (x: tf.Tensor, order: Int32Array): tf.Tensor =>
    tf.reshape(takeRows(tf.reshape(x, [batch, -1, size]), order), grouped);
  return tf.customGrad((...inputs) => {
    const [qkv, bias, save] = inputs as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const [q, k, v] = parts.map((order) => setOut(qkv, order)) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const attended = attend(q, k, v, bias);
    const value = takeRows(tf.reshape(attended[4], [batch, -1, size]), inverse(places));
    save([...attended]);
    return {
      value: tf.reshape(value, [batch, count, heads * size]),
      gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
        const gradients = attendBack(setOut(dy, places), saved as unknown as Attended, bias);
        const [dParts, dBias] = [gradients.slice(0, 3), gradients[3]!];
        const all = tf.concat(
          dParts.map((part) => tf.reshape(part, [batch, -1, size])),
          1,
        );
        const order = inverse(Int32Array.from(parts.flatMap((part) => [...part])));
        return [tf.reshape(takeRows(all, order), qkv.shape), dBias];
      },
    };
  })(qkv, bias);
}

/** Rows of every image in the order given: [B, n, d] -> [B, m, d]. */
function takeRows(x: tf.Tensor, order: Int32Array): tf.Tensor {
  if (tf.getBackend() !== 'wasm') return tf.gather(x, tf.tensor1d(order, 'int32'), 1);
  // There that goes number by number; by entries, row by row.
  const [batch, rows, size] = x.shape as [number, number, number];
  const all = Int32Array.from({ length: batch * order.length }, (_, at) => {
    return Math.floor(at / order.length) * rows + order[at % order.length]!;
  });
  const taken = tf.gatherND(tf.reshape(x, [batch * rows, size]), tf.tensor2d(all, [all.length, 1], 'int32'));
  return tf.reshape(taken, [batch, order.length, size]);
}

/** Of [W, h, N], where each is found in [T, h]. */
function headPlaces(tokens: Int32Array, inside: number, heads: number): Int32Array {
  return Int32Array.from({ length: tokens.length * heads }, (_, at) => {
    const window = Math.floor(at / (heads * inside));
    const head = Math.floor(at / inside) % heads;
    return tokens[window * inside + (at % inside)]! * heads + head;
  });
}

/** Place of every number in a list of all numbers from 0 on. */
function inverse(order: Int32Array): Int32Array {
  const places = new Int32Array(order.length);
  order.forEach((number, place) => (places[number] = place));
  return places;
}

/** Columns of a table: [h, M] -> [h, n], `index[i]` at place i, columns as often as they are asked for. Differentiable; caller disposes. */
export function takeColumns(table: tf.Tensor, index: Int32Array): tf.Tensor {
  return tf.tidy(() => tf.transpose(tableRows(tf.transpose(table), index)));
}

/** What keeps tokens of different groups apart in a softmax: ids [W, N] -> [W, 1, N, N], 0 where both are equal and `-strength` elsewhere. */
export function apart(ids: readonly Int32Array[], strength: number): tf.Tensor {
  const [windows, tokens] = [ids.length, ids[0]!.length];
  return tf.tidy(() => {
    const all = tf.tensor2d(Float32Array.from(ids.flatMap((own) => [...own])), [windows, tokens]);
    const difference = tf.sub(
      tf.reshape(all, [windows, 1, tokens, 1]),
      tf.reshape(all, [windows, 1, 1, tokens]),
    );
    return tf.mul(tf.minimum(tf.square(difference), 1), -strength);
  });
}
