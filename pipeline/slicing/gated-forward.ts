import * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../model/backbone.ts';
import { backboneOf } from '../model/backbones.ts';
import { layerShapes } from '../model/family/layer-shapes.ts';
import { linearLayer, rmsNormLayer } from '../model/layers.ts';
import { attentionHeads } from '../tensor/attention-heads.ts';
import { attention } from '../tensor/attention.ts';
import { gelu, mergeHeads } from '../tensor/ops.ts';

/** Factors on parts of a layer, 1 for what is there and 0 for what is not: [B, 1, ...] or [1, 1, ...]. */
export interface LayerGates {
  /** On the queries, so on each dimension's part of the logits: [B | 1, h, 1, k]. */
  readonly keys?: tf.Tensor | undefined;
  /** On what the heads put out: [B | 1, h, 1, v]. */
  readonly values?: tf.Tensor | undefined;
  /** On the hidden units: [B | 1, 1, H]. */
  readonly units?: tf.Tensor | undefined;
}

export interface ModelGates {
  /** On all that is written to the stream: [B | 1, 1, D]. */
  readonly channels?: tf.Tensor | undefined;
  readonly layers?: readonly (LayerGates | undefined)[] | undefined;
}

/** What layer `layer` of a sliced model makes of the stream x [B, T, D] with its parts gated. Differentiable; caller disposes. */
export function gatedLayer(
  model: ModelTensors,
  layer: number,
  x: tf.Tensor,
  channels: tf.Tensor | undefined,
  gates: LayerGates = {},
): tf.Tensor {
  const block = `blocks.${layer}`;
  const shape = layerShapes(model.architecture)[layer]!;
  return tf.tidy(() => {
    const z = rmsNormLayer(model, `${block}.norm1`, x);
    const [q, k, v] = attentionHeads(linearLayer(model, `${block}.attn.qkv`, z), shape);
    const heads = gated(attention(gated(q, gates.keys), k, v), gates.values);
    const mixed = tf.add(x, gated(linearLayer(model, `${block}.attn.proj`, mergeHeads(heads)), channels));
    const input = rmsNormLayer(model, `${block}.norm2`, mixed);
    const hidden = gelu(linearLayer(model, `${block}.mlp.fc1`, input), model.architecture.gelu);
    const output = linearLayer(model, `${block}.mlp.fc2`, gated(hidden, gates.units));
    return tf.add(mixed, gated(output, channels));
  });
}

/** The stream x [B, T, D] that enters layer `from` -> logits [B, classes]. Differentiable; caller disposes. */
export function gatedLogits(
  model: ModelTensors,
  x: tf.Tensor,
  { channels, layers }: ModelGates,
  from = 0,
): tf.Tensor2D {
  const { pool, classify } = backboneOf(model.architecture);
  return tf.tidy(() => {
    let stream = from === 0 ? gated(x, channels) : x;
    for (let layer = from; layer < model.architecture.depth; layer++) {
      stream = gatedLayer(model, layer, stream, channels, layers?.[layer]);
    }
    return classify(model, pool(model, stream));
  });
}

function gated(x: tf.Tensor, gate: tf.Tensor | undefined): tf.Tensor {
  return gate === undefined ? x : tf.mul(x, gate);
}
