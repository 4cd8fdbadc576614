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
import { patchesPerImage, type Architecture, type Family } from '../../pipeline/model/architecture.ts';
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

const family: Family = {
  name: 'toy-mixer',
  title: 'toy mixer',
  prefixTokens: () => 0,
  shapes(architecture) {
    const { patchSize, channels, width, depth, hidden, classes } = architecture;
    const tokens = patchesPerImage(architecture);
    const shapes: Record<string, readonly number[]> = {
      'patch_embed.proj.weight': [width, channels, patchSize, patchSize],
      'patch_embed.proj.bias': [width],
    };
    for (let block = 0; block < depth; block++) {
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
    const tokens = patchesPerImage(architecture);
    return width * (tokens * patchSize ** 2 * channels + depth * tokens ** 2 + classes);
  },
};

export const toy: Backbone = {
  family,
  embed: (model, pixels) =>
    tf.tidy(() => linearLayer(model, 'patch_embed.proj', patchify(pixels, model.architecture.patchSize))),
  mix: (model, block, x) =>
    tf.tidy(() => {
      const z = tf.transpose(normLayer(model, `blocks.${block}.norm1`, x), [0, 2, 1]);
      return tf.add(x, tf.transpose(linearLayer(model, `blocks.${block}.tokens`, z), [0, 2, 1]));
    }),
  ffnInput: (model, block, mixed) => normLayer(model, `blocks.${block}.norm2`, mixed),
  join: (model, block, mixed, output) =>
    tf.tidy(() => tf.add(mixed, tf.mul(output, weightOf(model, `blocks.${block}.scale`)))),
  pool: (model, x) => tf.tidy(() => tf.mean(normLayer(model, 'norm', x), 1)),
  classify: (model, pooled) => linearLayer(model, 'head', pooled) as tf.Tensor2D,
};

registerBackbone(toy);
