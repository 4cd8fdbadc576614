import * as tf from '@tensorflow/tfjs-core';
import { convolve } from '../../tensor/convolve.ts';
import { matMul } from '../../tensor/ops.ts';
import { pairMaximum } from '../../tensor/pair-maximum.ts';
import type { Backbone, ModelTensors } from '../backbone.ts';
import { cctFamily, convolutions } from '../family/cct.ts';
import { linearLayer, normLayer, weightOf } from '../layers.ts';
import { addPositions, preNormBackbone } from './pre-norm.ts';

/** The Compact Convolutional Transformer as `cctFamily` lays it out. */
export const cct: Backbone = {
  ...preNormBackbone(cctFamily, normLayer),
  blocksAlike: true,
  embed,
  pool,
  // The head reads every token.
  headOnly: () => undefined,
};

/** Convolutions, each with max pooling and ReLU behind it; learned positions. */
function embed(model: ModelTensors, pixels: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    let map = pixels as tf.Tensor4D;
    for (const [i, { kernel, stride }] of convolutions(model.architecture).entries()) {
      const name = `tokenizer.${i}`;
      const layer = [weightOf(model, `${name}.weight`), weightOf(model, `${name}.bias`)] as const;
      map = convolve(map, ...layer, { kernel, stride });
      // The maximum of what is cut off at zero is the cut-off maximum: of a quarter as many numbers.
      map = tf.maximum(pairMaximum(map), 0);
    }
    const tokens = tf.reshape(map, [map.shape[0], -1, model.architecture.width]);
    return addPositions(tokens, weightOf(model, 'pos_embed'));
  });
}

/** The mean of the normalised tokens by weights that a linear layer gives them: `softmax(g(x))' x`. */
function pool(model: ModelTensors, x: tf.Tensor): tf.Tensor {
  const [batch, tokens, width] = x.shape as [number, number, number];
  return tf.tidy(() => {
    const normed = normLayer(model, 'norm', x);
    const scores = linearLayer(model, 'attention_pool', normed);
    const weights = tf.softmax(tf.reshape(scores, [batch, 1, tokens]));
    return tf.reshape(matMul(weights, normed), [batch, width]);
  });
}
