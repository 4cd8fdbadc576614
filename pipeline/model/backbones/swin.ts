import * as tf from '@tensorflow/tfjs-core';
import { linear, patchify } from '../../tensor/ops.ts';
import { apart, takeColumns, windowAttention } from '../../tensor/window-attention.ts';
import { squares } from '../../tensor/squares.ts';
import type { Backbone, ModelTensors } from '../backbone.ts';
import { layerShapes } from '../family/layer-shapes.ts';
import { apartStrength, relativePositions, windowParts, windowTokens } from '../family/swin-places.ts';
import { mergedWidth, swinFamily, swinWindow, type SwinWindow } from '../family/swin.ts';
import { linearLayer, normLayer, weightOf } from '../layers.ts';

/** The Swin Transformer as `swinFamily` lays it out. */
export const swin: Backbone = {
  family: swinFamily,
  blockKey(architecture, block) {
    const { family, layerNormEpsilon, gelu } = architecture;
    const { side, window, shift } = swinWindow(architecture, block);
    const { heads } = layerShapes(architecture)[block]!;
    const merged = mergedWidth(architecture, block) ?? 0;
    return [family, side, window, shift, heads, merged, layerNormEpsilon, gelu].join();
  },
  embed,
  mix,
  ffnInput: (model, block, mixed) => normLayer(model, `blocks.${block}.norm2`, mixed),
  join: (_, __, mixed, output) => tf.add(mixed, output),
  pool: (model, x) => tf.tidy(() => tf.mean(normLayer(model, 'norm', x), 1)),
  classify: (model, pooled) => linearLayer(model, 'head', pooled) as tf.Tensor2D,
};

function embed(model: ModelTensors, pixels: tf.Tensor): tf.Tensor {
  const { patchSize } = model.architecture;
  return tf.tidy(() =>
    normLayer(model, 'patch_embed.norm', linearLayer(model, 'patch_embed.proj', patchify(pixels, patchSize))),
  );
}

/** `x + attention(norm1 x)` within windows, behind the halving where the block begins a stage. */
function mix(model: ModelTensors, block: number, x: tf.Tensor): tf.Tensor {
  const name = `blocks.${block}`;
  const place = swinWindow(model.architecture, block);
  const { heads } = layerShapes(model.architecture)[block]!;
  return tf.tidy(() => {
    const stream = mergedWidth(model.architecture, block) === undefined ? x : halved(model, block, x);
    const qkv = linearLayer(model, `${name}.attn.qkv`, normLayer(model, `${name}.norm1`, stream));
    const attended = windowAttention(qkv, biasOf(model, block, place), {
      heads,
      tokens: windowTokens(place),
    });
    return tf.add(stream, linearLayer(model, `${name}.attn.proj`, attended));
  });
}

/** Four neighbouring tokens side by side, normalised, made one of the block's width: [B, T, D] -> [B, T / 4, D']. */
function halved(model: ModelTensors, block: number, x: tf.Tensor): tf.Tensor {
  const name = `blocks.${block}.downsample`;
  const fours = squares(x, Math.sqrt(x.shape[1]!));
  return linear(normLayer(model, `${name}.norm`, fours), weightOf(model, `${name}.reduction.weight`));
}

/** What is added to the scores: [1, h, N, N] of the relative positions, and [W, h, N, N] where parts of a moved image are kept apart. */
function biasOf(model: ModelTensors, block: number, place: SwinWindow): tf.Tensor {
  const tokens = place.window ** 2;
  // Stored [positions, h] like a matrix [out, in], so on the engine it is [h, positions].
  const table = weightOf(model, `blocks.${block}.attn.relative_position_bias_table`);
  const bias = tf.reshape(takeColumns(table, relativePositions(place.window)), [1, -1, tokens, tokens]);
  return place.shift === 0 ? bias : tf.add(bias, apart(windowParts(place), apartStrength));
}
