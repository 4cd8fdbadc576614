import * as tf from '@tensorflow/tfjs-core';
import { keyValueHeads } from '../../tensor/attention-heads.ts';
import { attention } from '../../tensor/attention.ts';
import { gelu, mergeHeads } from '../../tensor/ops.ts';
import { prefixTokens } from '../architecture.ts';
import type { ModelTensors } from '../backbone.ts';
import { linearLayer, normLayer, weightOf } from '../layers.ts';
import type { Architecture } from '../family/family.ts';

/** x [..., D] -> the same shape, by the model's norm `name`. Caller disposes. */
export type Norm = (model: ModelTensors, name: string, x: tf.Tensor) => tf.Tensor;

/** What heads read of the last stream x [B, T, D], where it is more than single tokens -> [B, F]. Caller disposes. */
export function pooled(
  norm: Norm,
  model: ModelTensors,
  x: tf.Tensor,
  pool: NonNullable<Architecture['pool']>,
): tf.Tensor {
  return tf.tidy(() => {
    const patches = (tokens: tf.Tensor): tf.Tensor =>
      tf.slice(tokens, [0, prefixTokens(model.architecture), 0], [-1, -1, -1]);
    const normed = (tokens: tf.Tensor): tf.Tensor => norm(model, 'norm', tokens);
    switch (pool) {
      case 'mean':
        return normed(tf.mean(patches(x), 1));
      case 'normed-mean':
        return tf.mean(normed(patches(x)), 1);
      case 'unnormed-mean':
        return tf.mean(patches(x), 1);
      case 'max':
        return normed(tf.max(patches(x), 1));
      case 'normed-max':
        return tf.max(normed(patches(x)), 1);
      case 'class-and-mean': {
        const all = normed(x);
        const first = tf.reshape(tf.slice(all, [0, 0, 0], [-1, 1, -1]), [-1, model.architecture.width]);
        return tf.concat([first, tf.mean(patches(all), 1)], 1);
      }
      case 'attention':
        return attended(model, normed(x));
      case 'patch-attention':
        return attended(model, normed(patches(x)));
    }
  });
}

/** What a learned query finds in tokens [B, T, D], and an MLP with a residual makes of it -> [B, D] (`attentionPoolShapes`). */
function attended(model: ModelTensors, tokens: tf.Tensor): tf.Tensor {
  const { width, heads, gelu: kind } = model.architecture;
  const [batch] = tokens.shape as [number];
  const size = width / heads;
  const query = linearLayer(model, 'attn_pool.q', weightOf(model, 'attn_pool.latent'));
  const q = tf.add(tf.zeros([batch, heads, 1, size]), tf.reshape(query, [1, heads, 1, size]));
  const [k, v] = keyValueHeads(linearLayer(model, 'attn_pool.kv', tokens), {
    heads,
    keySize: size,
    valueSize: size,
  });
  const found = tf.reshape(mergeHeads(attention(q, k, v)), [batch, width]);
  const projected = linearLayer(model, 'attn_pool.proj', found);
  const hidden = linearLayer(model, 'attn_pool.mlp.fc1', normLayer(model, 'attn_pool.norm', projected));
  return tf.add(projected, linearLayer(model, 'attn_pool.mlp.fc2', gelu(hidden, kind)));
}
