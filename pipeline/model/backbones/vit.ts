import * as tf from '@tensorflow/tfjs-core';
import { addBias, attention, linear, mergeHeads, patchify, splitHeads } from '../../tensor/ops.ts';
import type { Backbone, HeadOnly, ModelTensors } from '../backbone.ts';
import { linearLayer, normLayer, weightOf } from '../layers.ts';
import { vitFamily } from '../family/vit.ts';

/** The pre-norm ViT with a class token (Dosovitskiy et al. 2021, section 3.1), as `vitFamily` lays it out. */
export const vit: Backbone = {
  family: vitFamily,
  blocksAlike: true,
  embed,
  mix,
  ffnInput: (model, block, mixed) => normLayer(model, `blocks.${block}.norm2`, mixed),
  join: (_, __, mixed, output) => tf.add(mixed, output),
  pool,
  classify: (model, pooled) => linearLayer(model, 'head', pooled) as tf.Tensor2D,
  headOnly: ({ pool }) => (pool === undefined ? classToken : undefined),
};

const classToken: HeadOnly = { rows: firstToken, mix: mixForClassToken };

/** Patches, class token, learned positions. */
function embed(model: ModelTensors, pixels: tf.Tensor): tf.Tensor {
  const { patchSize, width } = model.architecture;
  return tf.tidy(() => {
    const batch = pixels.shape[0];
    const patches = linearLayer(model, 'patch_embed.proj', patchify(pixels, patchSize));
    const classToken = tf.add(tf.zeros([batch, 1, width]), weightOf(model, 'cls_token'));
    const tokens = tf.concat([classToken, patches], 1);
    // As one long row per image, positions are a bias, whose gradient is cheap.
    const positions = tf.reshape(weightOf(model, 'pos_embed'), [-1]);
    return tf.reshape(addBias(tf.reshape(tokens, [batch, -1]), positions), tokens.shape);
  });
}

/** `x + attention(LN1 x)` */
function mix(model: ModelTensors, block: number, x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const z = normLayer(model, `blocks.${block}.norm1`, x);
    const qkv = linearLayer(model, `blocks.${block}.attn.qkv`, z);
    const heads = mergeHeads(attention(...splitHeads(qkv, model.architecture.heads)));
    return tf.add(x, linearLayer(model, `blocks.${block}.attn.proj`, heads));
  });
}

/**
 * The last attention where only the logits matter: keys and values of every token, but the class token's query alone.
 * With the FFN on that token, this saves about three quarters of the last block's arithmetic.
 */
function mixForClassToken(model: ModelTensors, x: tf.Tensor): tf.Tensor {
  const { width, heads, depth } = model.architecture;
  const block = `blocks.${depth - 1}`;
  return tf.tidy(() => {
    const [batch, tokens] = x.shape as [number, number, number];
    const z = normLayer(model, `${block}.norm1`, x);
    const widths = [width, 2 * width];
    const kernels = tf.split(weightOf(model, `${block}.attn.qkv.weight`), widths, 1) as [
      tf.Tensor,
      tf.Tensor,
    ];
    const biases = tf.split(weightOf(model, `${block}.attn.qkv.bias`), widths) as [tf.Tensor, tf.Tensor];
    const query = linear(firstToken(z), kernels[0], biases[0]);
    const keysValues = linear(z, kernels[1], biases[1]);
    const size = width / heads;
    const perHead = tf.transpose(tf.reshape(keysValues, [batch, tokens, 2 * heads, size]), [0, 2, 1, 3]);
    const [k, v] = tf.split(perHead, 2, 1) as [tf.Tensor, tf.Tensor];
    const mixed = attention(tf.reshape(query, [batch, heads, 1, size]), k, v);
    const branch = linearLayer(model, `${block}.attn.proj`, tf.reshape(mixed, [batch, 1, width]));
    return tf.add(firstToken(x), branch);
  });
}

/** The class token alone, or the patches' mean, before or after the last norm. */
function pool(model: ModelTensors, x: tf.Tensor): tf.Tensor {
  const { width, pool } = model.architecture;
  return tf.tidy(() => {
    if (pool === undefined) return normLayer(model, 'norm', tf.reshape(firstToken(x), [-1, width]));
    const patches = tf.slice(x, [0, 1, 0], [-1, -1, -1]);
    return pool === 'mean'
      ? normLayer(model, 'norm', tf.mean(patches, 1))
      : tf.mean(normLayer(model, 'norm', patches), 1);
  });
}

/** [B, T, D] -> [B, 1, D] */
function firstToken(x: tf.Tensor): tf.Tensor {
  return tf.slice(x, [0, 0, 0], [-1, 1, -1]);
}
