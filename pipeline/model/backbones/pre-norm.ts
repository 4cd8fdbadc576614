import * as tf from '@tensorflow/tfjs-core';
import { attentionHeads, keyValueHeads } from '../../tensor/attention-heads.ts';
import { addBias, attention, linear, mergeHeads, patchify } from '../../tensor/ops.ts';
import { headNames, prefixTokens } from '../architecture.ts';
import type { Backbone, ModelTensors } from '../backbone.ts';
import type { Family, LayerShape } from '../family/family.ts';
import { layerShapes } from '../family/layer-shapes.ts';
import { linearLayer, weightOf } from '../layers.ts';

/** x [..., D] -> the same shape, by the model's norm `name`. Caller disposes. */
type Norm = (model: ModelTensors, name: string, x: tf.Tensor) => tf.Tensor;

/**
 * The pre-norm ViT with a class token, learned positions and a linear head (Dosovitskiy et al. 2021, section 3.1), over any
 * norm; with two tokens before the patches, the distilled DeiT (Touvron et al. 2021, section 4): the second is the distillation
 * token, with a head of its own, and the answer is the mean of both.
 */
export function preNormBackbone(family: Family, norm: Norm): Backbone {
  return {
    family,
    embed,
    mix: (model, block, x) => mix(norm, model, block, x),
    ffnInput: (model, block, mixed) => norm(model, `blocks.${block}.norm2`, mixed),
    join: (_, __, mixed, output) => tf.add(mixed, output),
    pool: (model, x) => pool(norm, model, x),
    classify,
    classifyEach,
    relationInputs: (model, block, x) => relationInputs(norm, model, block, x),
    headOnly(architecture) {
      if (architecture.pool !== undefined) return undefined;
      const prefix = prefixTokens(architecture);
      return {
        rows: (x) => firstTokens(x, prefix),
        mix: (model, x) => mixForPrefix(norm, model, prefix, x),
      };
    },
  };
}

/** Class token, distillation token where there is one, patches; learned positions. */
function embed(model: ModelTensors, pixels: tf.Tensor): tf.Tensor {
  const { patchSize, width } = model.architecture;
  return tf.tidy(() => {
    const batch = pixels.shape[0];
    const patches = linearLayer(model, 'patch_embed.proj', patchify(pixels, patchSize));
    const prefix = ['cls_token', 'dist_token']
      .slice(0, prefixTokens(model.architecture))
      .map((name) => tf.add(tf.zeros([batch, 1, width]), weightOf(model, name)));
    return addPositions(model, tf.concat([...prefix, patches], 1));
  });
}

/** tokens [B, T, D] with the learned positions added. Caller disposes. */
export function addPositions(model: ModelTensors, tokens: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    // As one long row per image, positions are a bias, whose gradient is cheap.
    const positions = tf.reshape(weightOf(model, 'pos_embed'), [-1]);
    return tf.reshape(addBias(tf.reshape(tokens, [tokens.shape[0], -1]), positions), tokens.shape);
  });
}

function shapeOf({ architecture }: ModelTensors, block: number): LayerShape {
  return layerShapes(architecture)[block]!;
}

/** x [B, T, D] -> queries, keys and values of the block, heads side by side. */
function relationInputs(
  norm: Norm,
  model: ModelTensors,
  block: number,
  x: tf.Tensor,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const { heads, keySize, valueSize } = shapeOf(model, block);
  return tf.tidy(() => {
    const z = norm(model, `blocks.${block}.norm1`, x);
    const qkv = linearLayer(model, `blocks.${block}.attn.qkv`, z);
    const sizes = [heads * keySize, heads * keySize, heads * valueSize];
    return tf.split(qkv, sizes, 2) as [tf.Tensor, tf.Tensor, tf.Tensor];
  });
}

/** `x + attention(norm1 x)` */
function mix(norm: Norm, model: ModelTensors, block: number, x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const z = norm(model, `blocks.${block}.norm1`, x);
    const qkv = linearLayer(model, `blocks.${block}.attn.qkv`, z);
    const heads = mergeHeads(attention(...attentionHeads(qkv, shapeOf(model, block))));
    return tf.add(x, linearLayer(model, `blocks.${block}.attn.proj`, heads));
  });
}

/**
 * The last attention where only the logits matter: keys and values of every token, but the queries alone of those that the
 * head reads. With the FFN on those tokens, this saves about three quarters of the last block's arithmetic.
 */
function mixForPrefix(norm: Norm, model: ModelTensors, prefix: number, x: tf.Tensor): tf.Tensor {
  const last = model.architecture.depth - 1;
  const block = `blocks.${last}`;
  const sizes = shapeOf(model, last);
  const { heads, keySize, valueSize } = sizes;
  return tf.tidy(() => {
    const batch = x.shape[0];
    const z = norm(model, `${block}.norm1`, x);
    const widths = [heads * keySize, heads * (keySize + valueSize)];
    const kernels = tf.split(weightOf(model, `${block}.attn.qkv.weight`), widths, 1) as [
      tf.Tensor,
      tf.Tensor,
    ];
    const biases = tf.split(weightOf(model, `${block}.attn.qkv.bias`), widths) as [tf.Tensor, tf.Tensor];
    const query = linear(firstTokens(z, prefix), kernels[0], biases[0]);
    const [k, v] = keyValueHeads(linear(z, kernels[1], biases[1]), sizes);
    const q = tf.transpose(tf.reshape(query, [batch, prefix, heads, keySize]), [0, 2, 1, 3]);
    const branch = linearLayer(model, `${block}.attn.proj`, mergeHeads(attention(q, k, v)));
    return tf.add(firstTokens(x, prefix), branch);
  });
}

/** The tokens before the patches side by side, normalised, or the patches' mean, before or after the last norm. */
function pool(norm: Norm, model: ModelTensors, x: tf.Tensor): tf.Tensor {
  const { width, pool } = model.architecture;
  const prefix = prefixTokens(model.architecture);
  return tf.tidy(() => {
    if (pool === undefined) {
      const normed = norm(model, 'norm', tf.reshape(firstTokens(x, prefix), [-1, width]));
      return tf.reshape(normed, [-1, prefix * width]);
    }
    const patches = tf.slice(x, [0, prefix, 0], [-1, -1, -1]);
    return pool === 'mean'
      ? norm(model, 'norm', tf.mean(patches, 1))
      : tf.mean(norm(model, 'norm', patches), 1);
  });
}

/** pooled [B, P D] -> the logits of each head, of its own token. */
function classifyEach(model: ModelTensors, pooled: tf.Tensor): tf.Tensor2D[] {
  const names = headNames(model.architecture);
  if (names.length === 1) return [linearLayer(model, 'head', pooled) as tf.Tensor2D];
  return tf.tidy(() => {
    const tokens = tf.split(pooled, names.length, 1);
    return names.map((name, i) => linearLayer(model, name, tokens[i]!) as tf.Tensor2D);
  });
}

function classify(model: ModelTensors, pooled: tf.Tensor): tf.Tensor2D {
  return tf.tidy(() => {
    const each = classifyEach(model, pooled);
    return each.length === 1 ? each[0]! : tf.mul<tf.Tensor2D>(tf.add(each[0]!, each[1]!), 0.5);
  });
}

/** [B, T, D] -> [B, count, D] */
function firstTokens(x: tf.Tensor, count: number): tf.Tensor {
  return tf.slice(x, [0, 0, 0], [-1, count, -1]);
}
