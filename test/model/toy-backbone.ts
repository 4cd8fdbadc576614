/**
 * A family of models that the code base has never heard of, to prove the seam: tokens mixed by a matrix instead of
 * attention (MLP-Mixer, Tolstikhin et al. 2021), no class token and no positions, the FFN's output scaled before it joins
 * the stream (LayerScale, Touvron et al. 2021), and a head on averaged tokens.
 *
 * What a family touches, and what these about 80 lines stand for:
 *
 *     pipeline/model/family/<family>.ts               facts: names and shapes of the weights, prefix tokens, multiply-adds
 *     pipeline/model/backbones/<family>.ts            how it computes: embed, mix, ffnInput, join, pool, classify
 *     pipeline/model/{family/families,backbones}.ts   one line each: the tables of the families
 *
 * `docs/where-to-add.md` also has what reads other libraries' files and makes graphs, which this family does without.
 *
 * Statistics, orders, refits, distillation, streams, sweeps, costs and training follow from these.
 */
import * as tf from '@tensorflow/tfjs-core';
import {
  blockWidth,
  hiddenUnits,
  patchesPerImage,
  type Architecture,
  type Family,
} from '../../pipeline/model/architecture.ts';
import type { Backbone } from '../../pipeline/model/backbone.ts';
import { registerBackbone } from '../../pipeline/model/backbones.ts';
import { linearLayer, normLayer, weightOf } from '../../pipeline/model/layers.ts';
import { patchify } from '../../pipeline/tensor/ops.ts';

export const toyArchitecture: Architecture = {
  family: 'toy-mixer',
  imageSize: 8,
  patchSize: 2,
  channels: 3,
  width: 8,
  depth: 3,
  heads: 1,
  hidden: 20,
  classes: 5,
  layerNormEpsilon: 1e-6,
  gelu: 'tanh',
};

/** The same with blocks of different sizes: between its stages neighbouring tokens are put side by side, so half as many twice as wide go on. */
export const toyPyramid: Architecture = {
  ...toyArchitecture,
  width: 16,
  hidden: 40,
  stages: [
    { depth: 1, width: 8, heads: 1, hidden: 20 },
    { depth: 2, width: 16, heads: 1, hidden: 40 },
  ],
};

const tokensOf = (architecture: Architecture, block: number) =>
  (patchesPerImage(architecture) * blockWidth(architecture, 0)) / blockWidth(architecture, block);

const family: Family = {
  name: 'toy-mixer',
  title: 'toy mixer',
  prefixTokens: () => 0,
  problem: () => undefined,
  blockTokens: tokensOf,
  shapes(architecture) {
    const { patchSize, channels, classes } = architecture;
    const first = blockWidth(architecture, 0);
    const shapes: Record<string, readonly number[]> = {
      'patch_embed.proj.weight': [first, channels, patchSize, patchSize],
      'patch_embed.proj.bias': [first],
    };
    for (const [block, hidden] of hiddenUnits(architecture).entries()) {
      const [tokens, width] = [tokensOf(architecture, block), blockWidth(architecture, block)];
      const layers: Record<string, readonly number[]> = {
        'norm1.weight': [width],
        'norm1.bias': [width],
        'tokens.weight': [tokens, tokens],
        'tokens.bias': [tokens],
        'norm2.weight': [width],
        'norm2.bias': [width],
        'mlp.fc1.weight': [hidden, width],
        'mlp.fc1.bias': [hidden],
        'mlp.fc2.weight': [width, hidden],
        'mlp.fc2.bias': [width],
        scale: [width],
      };
      for (const [name, shape] of Object.entries(layers)) shapes[`blocks.${block}.${name}`] = shape;
    }
    const { width } = architecture;
    return {
      ...shapes,
      'norm.weight': [width],
      'norm.bias': [width],
      'head.weight': [classes, width],
      'head.bias': [classes],
    };
  },
  frameMacs(architecture) {
    const { width, depth, patchSize, channels, classes } = architecture;
    const first = patchesPerImage(architecture) * patchSize ** 2 * channels * blockWidth(architecture, 0);
    const mixing = Array.from(
      { length: depth },
      (_, block) => blockWidth(architecture, block) * tokensOf(architecture, block) ** 2,
    );
    return mixing.reduce((sum, macs) => sum + macs, first) + width * classes;
  },
};

export const toy: Backbone = {
  family,
  embed: (model, pixels) =>
    tf.tidy(() => linearLayer(model, 'patch_embed.proj', patchify(pixels, model.architecture.patchSize))),
  mix: (model, block, x) =>
    tf.tidy(() => {
      const stream = tf.reshape(x, [x.shape[0], -1, blockWidth(model.architecture, block)]);
      const z = tf.transpose(normLayer(model, `blocks.${block}.norm1`, stream), [0, 2, 1]);
      return tf.add(stream, tf.transpose(linearLayer(model, `blocks.${block}.tokens`, z), [0, 2, 1]));
    }),
  ffnInput: (model, block, mixed) => normLayer(model, `blocks.${block}.norm2`, mixed),
  join: (model, block, mixed, output) =>
    tf.tidy(() => tf.add(mixed, tf.mul(output, weightOf(model, `blocks.${block}.scale`)))),
  pool: (model, x) => tf.tidy(() => tf.mean(normLayer(model, 'norm', x), 1)),
  classify: (model, pooled) => linearLayer(model, 'head', pooled) as tf.Tensor2D,
};

registerBackbone(toy);
