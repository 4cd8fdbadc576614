import * as tf from '@tensorflow/tfjs-core';
import { attentionHeads, keyValueHeads } from '../../tensor/attention-heads.ts';
import { addBias, linear, mergeHeads, patchify } from '../../tensor/ops.ts';
import { headNames, lastBlockTokens } from '../architecture.ts';
import type { Backbone, ModelTensors } from '../backbone.ts';
import type { Architecture, Family, LayerShape } from '../family/family.ts';
import { layerShapes } from '../family/layer-shapes.ts';
import { linearLayer, weightOf } from '../layers.ts';
import { pooled, type Norm } from './pooling.ts';
import { attend } from './relative.ts';
import { turned } from './rotary.ts';

/**
 * The pre-norm ViT as `vitFamily` lays it out, over any norm; with a distillation token behind the class token, the distilled DeiT
 * (Touvron et al. 2021, section 4): each of them has a head of its own, and the answer is the mean of both.
 */
export function preNormBackbone(family: Family, norm: Norm): Backbone {
  return {
    family,
    embed: (model, pixels) => embed(norm, model, pixels),
    mix: (model, block, x) => mix(norm, model, block, x),
    ffnInput: (model, block, mixed) => norm(model, `blocks.${block}.norm2`, mixed),
    join: (_, __, mixed, output) => tf.add(mixed, output),
    pool: (model, x) => represented(model, pool(norm, model, x)),
    classify,
    classifyEach,
    relationInputs: (model, block, x) => relationInputs(norm, model, block, x),
    headOnly(architecture) {
      if (architecture.pool !== undefined) return undefined;
      const read = tokensRead(architecture);
      return { rows: (x) => some(x, read), mix: (model, x) => mixForHead(norm, model, read, x) };
    },
  };
}

/** Class token, distillation token, registers, of each what there is, and patches; learned positions of all but the registers. */
function embed(norm: Norm, model: ModelTensors, pixels: tf.Tensor): tf.Tensor {
  const { patchSize, width, registers = 0, normPre } = model.architecture;
  return tf.tidy(() => {
    const batch = pixels.shape[0];
    const patches = linearLayer(model, 'patch_embed.proj', patchify(pixels, patchSize));
    const placed = ['cls_token', 'dist_token'].filter((name) => model.weights[name] !== undefined);
    const prefix = [...placed, ...(registers > 0 ? ['reg_token'] : [])].map((name) => {
      const token = weightOf(model, name);
      return tf.add(tf.zeros([batch, token.shape[1]!, width]), token);
    });
    let positions = weightOf(model, 'pos_embed');
    if (registers > 0) {
      const [first, rest] = tf.split(positions, [placed.length, -1], 1) as [tf.Tensor, tf.Tensor];
      positions = tf.concat([first, tf.zeros([1, registers, width]), rest], 1);
    }
    const tokens = addPositions(tf.concat([...prefix, patches], 1), positions);
    return normPre === true ? norm(model, 'norm_pre', tokens) : tokens;
  });
}

/** tokens [B, T, D] plus positions [1, T, D]. Caller disposes. */
export function addPositions(tokens: tf.Tensor, positions: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    // As one long row per image, positions are a bias, whose gradient is cheap.
    const rows = tf.reshape(tokens, [tokens.shape[0], -1]);
    return tf.reshape(addBias(rows, tf.reshape(positions, [-1])), tokens.shape);
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
    const [q, k, v] = attentionHeads(qkv, shapeOf(model, block));
    const [queries, keys] = placedPair(model, q, k);
    const heads = mergeHeads(attend(model, block, queries, keys, v));
    return tf.add(x, linearLayer(model, `blocks.${block}.attn.proj`, heads));
  });
}

/** Queries and keys of all tokens, turned where the model has rotary positions. */
function placedPair(model: ModelTensors, q: tf.Tensor, k: tf.Tensor): [tf.Tensor, tf.Tensor] {
  return model.architecture.rotary === true ? [turned(model, q), turned(model, k)] : [q, k];
}

/**
 * The last attention where only the logits matter: keys and values of every token, but the queries alone of those that the
 * head reads. With the FFN on those tokens, this saves about three quarters of the last block's arithmetic.
 */
function mixForHead(norm: Norm, model: ModelTensors, read: Read, x: tf.Tensor): tf.Tensor {
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
    const query = linear(some(z, read), kernels[0], biases[0]);
    const [k, v] = keyValueHeads(linear(z, kernels[1], biases[1]), sizes);
    const q = tf.transpose(tf.reshape(query, [batch, read.count, heads, keySize]), [0, 2, 1, 3]);
    // Tokens before the patches are not turned.
    const keys = model.architecture.rotary === true ? turned(model, k) : k;
    const branch = linearLayer(model, `${block}.attn.proj`, mergeHeads(attend(model, last, q, keys, v)));
    return tf.add(some(x, read), branch);
  });
}

/** The tokens that the heads read, side by side and normalised, or what `pool` makes of the patches. x: all tokens, or those alone. */
function pool(norm: Norm, model: ModelTensors, x: tf.Tensor): tf.Tensor {
  const { width, pool } = model.architecture;
  if (pool !== undefined) return pooled(norm, model, x, pool);
  const read = tokensRead(model.architecture);
  return tf.tidy(() => {
    const rows = x.shape[1] === read.count ? x : some(x, read);
    const normed = norm(model, 'norm', tf.reshape(rows, [-1, width]));
    return tf.reshape(normed, [-1, read.count * width]);
  });
}

/** pooled [B, P] -> tanh of a linear layer of it [B, R], of a model with a representation layer; else the same. Disposes pooled. */
function represented(model: ModelTensors, pooled: tf.Tensor): tf.Tensor {
  if (model.architecture.representation === undefined) return pooled;
  return tf.tidy(() => tf.tanh(linearLayer(model, 'pre_logits', pooled)));
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

/** Tokens [from, from + count). */
interface Read {
  readonly from: number;
  readonly count: number;
}

/** Those that heads of single tokens read. */
function tokensRead(architecture: Architecture): Read {
  return { from: architecture.reads === 'distillation' ? 1 : 0, count: lastBlockTokens(architecture) };
}

/** [B, T, D] -> [B, count, D] */
function some(x: tf.Tensor, { from, count }: Read): tf.Tensor {
  return tf.slice(x, [0, from, 0], [-1, count, -1]);
}
