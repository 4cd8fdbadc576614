import * as tf from '@tensorflow/tfjs-core';
import { splitHeads } from './ops.ts';

/** What each head of an attention works with. */
export interface HeadSizes {
  readonly heads: number;
  /** k: of queries and keys. */
  readonly keySize: number;
  /** v: of values. */
  readonly valueSize: number;
}

/** [B, T, h (2 k + v)], the queries head by head, then the keys, then the values -> [B, h, T, k] twice and [B, h, T, v]. Caller disposes. */
export function attentionHeads(
  qkv: tf.Tensor,
  { heads, keySize, valueSize }: HeadSizes,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  if (keySize === valueSize) return splitHeads(qkv, heads);
  return tf.tidy(() => {
    const parts = tf.split(qkv, [heads * keySize, heads * keySize, heads * valueSize], 2);
    return parts.map((part) => perHead(part, heads)) as [tf.Tensor, tf.Tensor, tf.Tensor];
  });
}

/** As `attentionHeads` without queries: [B, T, h (k + v)] -> [B, h, T, k] and [B, h, T, v]. Caller disposes. */
export function keyValueHeads(
  keysValues: tf.Tensor,
  { heads, keySize, valueSize }: HeadSizes,
): [tf.Tensor, tf.Tensor] {
  return tf.tidy(() => {
    if (keySize === valueSize)
      return tf.split(perHead(keysValues, 2 * heads), 2, 1) as [tf.Tensor, tf.Tensor];
    const parts = tf.split(keysValues, [heads * keySize, heads * valueSize], 2);
    return parts.map((part) => perHead(part, heads)) as [tf.Tensor, tf.Tensor];
  });
}

/** [B, T, h d] -> [B, h, T, d] */
function perHead(x: tf.Tensor, heads: number): tf.Tensor {
  const [batch, tokens, width] = x.shape as [number, number, number];
  return tf.transpose(tf.reshape(x, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
}
