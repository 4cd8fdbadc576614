import * as tf from '@tensorflow/tfjs-core';
import { attentionHeads, keyValueHeads } from '../../tensor/attention-heads.ts';
import { addBias, attention, linear, mergeHeads, patchify } from '../../tensor/ops.ts';
import type { Backbone, HeadOnly, ModelTensors } from '../backbone.ts';
import type { Family, LayerShape } from '../family/family.ts';
import { layerShapes } from '../family/layer-shapes.ts';
import { linearLayer, weightOf } from '../layers.ts';

/** x [..., D] -> the same shape, by the model's norm `name`. Caller disposes. */
type Norm = (model: ModelTensors, name: string, x: tf.Tensor) => tf.Tensor;

/** The pre-norm ViT with a class token, learned positions and a linear head (Dosovitskiy et al. 2021, section 3.1), over any norm. */
export function preNormBackbone(family: Family, norm: Norm): Backbone {
  const classToken: HeadOnly = { rows: firstToken, mix: (model, x) => mixForClassToken(norm, model, x) };
  return {
    family,
    embed,
    mix: (model, block, x) => mix(norm, model, block, x),
    ffnInput: (model, block, mixed) => norm(model, `blocks.${block}.norm2`, mixed),
    join: (_, __, mixed, output) => tf.add(mixed, output),
    pool: (model, x) => pool(norm, model, x),
    classify: (model, pooled) => linearLayer(model, 'head', pooled) as tf.Tensor2D,
    relationInputs: (model, block, x) => relationInputs(norm, model, block, x),
    headOnly: ({ pool }) => (pool === undefined ? classToken : undefined),
  };
}

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
 * The last attention where only the logits matter: keys and values of every token, but the class token's query alone.
 * With the FFN on that token, this saves about three quarters of the last block's arithmetic.
 */
function mixForClassToken(norm: Norm, model: ModelTensors, x: tf.Tensor): tf.Tensor {
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
    const query = linear(firstToken(z), kernels[0], biases[0]);
    const [k, v] = keyValueHeads(linear(z, kernels[1], biases[1]), sizes);
    const mixed = attention(tf.reshape(query, [batch, heads, 1, keySize]), k, v);
    const branch = linearLayer(model, `${block}.attn.proj`, tf.reshape(mixed, [batch, 1, heads * valueSize]));
    return tf.add(firstToken(x), branch);
  });
}

/** The class token alone, or the patches' mean, before or after the last norm. */
function pool(norm: Norm, model: ModelTensors, x: tf.Tensor): tf.Tensor {
  const { width, pool } = model.architecture;
  return tf.tidy(() => {
    if (pool === undefined) return norm(model, 'norm', tf.reshape(firstToken(x), [-1, width]));
    const patches = tf.slice(x, [0, 1, 0], [-1, -1, -1]);
    return pool === 'mean'
      ? norm(model, 'norm', tf.mean(patches, 1))
      : tf.mean(norm(model, 'norm', patches), 1);
  });
}

/** [B, T, D] -> [B, 1, D] */
function firstToken(x: tf.Tensor): tf.Tensor {
  return tf.slice(x, [0, 0, 0], [-1, 1, -1]);
}
