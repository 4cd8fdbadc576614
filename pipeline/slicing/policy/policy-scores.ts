import * as tf from '@tensorflow/tfjs-core';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ModelTensors } from '../../model/backbone.ts';
import { backboneOf } from '../../model/backbones.ts';
import { forward } from '../../model/encoder.ts';
import { layerShapes } from '../../model/family/layer-shapes.ts';
import { ffnFeatures, mixTokens } from '../../model/parts.ts';
import { teacherFfn } from '../../model/ffn-tensors.ts';
import { uploadTeacher } from '../../model/upload.ts';
import { attentionHeads } from '../../tensor/attention-heads.ts';
import { attention } from '../../tensor/attention.ts';
import type { SlicedModel } from '../sliced-model.ts';
import { hsicBetween, hsicWithPrediction } from './hsic.ts';

/** What the parts of one layer are worth: the more, the later they go. */
export interface LayerScores {
  /** [h] */
  readonly heads: Float64Array;
  /** [H] */
  readonly units: Float64Array;
}

/** Share of a unit's score that is how much the prediction depends on it; the rest is how much it is active. */
const dependenceShare = 0.1;
/** How much of what a head has in common with the others counts against it. */
const redundancyWeight = 0.1;
/** Numbers of one operation's operands at most: units are looked at in so many parts. */
const mostNumbers = 2 ** 22;

interface LayerSums {
  readonly active: Float64Array;
  readonly dependence: Float64Array;
  readonly heads: Float64Array;
}

/**
 * The published scores (Xu et al., "DeViT", 2024, model shrinking; the formulas as in falcon-xu/DeViT, `core/imp_rank.py`, less its
 * slips). Of a hidden unit: 0.9 times its summed `|activation|` behind GELU and 0.1 times its dependence with the prediction
 * (`hsic.ts`), each from 0 to 1 within the layer. Of a head: the dependence of its outputs' mean over its dimensions with
 * the prediction, less a tenth of that with the other heads, in the mean over them. Over
 * several batches, in the mode of evaluation: there is no other here.
 * @param batches pixels [B, S, S, C], taken over; all of the same size; one image tells nothing of dependence
 */
export async function policyScores(
  model: SlicedModel,
  batches: AsyncIterable<tf.Tensor4D>,
  signal?: AbortSignal,
): Promise<readonly LayerScores[]> {
  const shapes = layerShapes(model.architecture);
  const sums = shapes.map(({ heads, hidden }): LayerSums => ({
    active: new Float64Array(hidden),
    dependence: new Float64Array(hidden),
    heads: new Float64Array(heads),
  }));
  const tensors = uploadTeacher(model.weights, model.architecture);
  try {
    for await (const pixels of batches) {
      try {
        const predictions = tf.tidy(() => tf.softmax(forward(tensors, pixels).logits));
        let stream = tf.tidy(() => backboneOf(model.architecture).embed(tensors, pixels));
        try {
          for (const [layer, sum] of sums.entries()) {
            signal?.throwIfAborted();
            const before = stream;
            stream = tf.tidy(() => addLayer(tensors, layer, before, predictions, sum));
            before.dispose();
            await nextTurn();
          }
        } finally {
          tf.dispose([stream, predictions]);
        }
      } finally {
        pixels.dispose();
      }
    }
  } finally {
    tensors.dispose();
  }
  return sums.map(({ active, dependence, heads }) => {
    const [activity, told] = [fromZeroToOne(active), fromZeroToOne(dependence)];
    return {
      heads,
      units: activity.map((value, unit) => (1 - dependenceShare) * value + dependenceShare * told[unit]!),
    };
  });
}

/** x [B, T, D], what the layer receives -> what it puts out; adds to the sums what its parts do there. */
function addLayer(
  model: ModelTensors,
  layer: number,
  x: tf.Tensor,
  predictions: tf.Tensor2D,
  sums: LayerSums,
): tf.Tensor {
  const features = ffnFeatures(model, layer, mixTokens(model, layer, x), teacherFfn(model, layer));
  const hidden = features['ffn.hidden'] as tf.Tensor3D;
  add(sums.active, tf.sum(tf.abs(hidden), [0, 1]));
  if (x.shape[0] > 1) {
    addDependence(sums.dependence, hidden, predictions);
    const heads = headMeans(model, layer, x);
    const others = Math.max(1, heads.shape[0] - 1);
    const between = hsicBetween(heads);
    const shared = tf.sub(tf.sum(between, 1), diagonal(between));
    add(
      sums.heads,
      tf.sub(hsicWithPrediction(heads, predictions), tf.mul(shared, redundancyWeight / others)),
    );
  }
  return features.output;
}

/** Of every hidden unit [B, T, H], some at a time. */
function addDependence(sum: Float64Array, hidden: tf.Tensor3D, predictions: tf.Tensor2D): void {
  const [images, tokens, units] = hidden.shape;
  const step = Math.max(1, Math.floor(mostNumbers / (images * Math.max(images, tokens))));
  for (let first = 0; first < units; first += step) {
    const found = tf.tidy(() => {
      const part = tf.slice3d(hidden, [0, 0, first], [-1, -1, Math.min(step, units - first)]);
      return hsicWithPrediction(tf.transpose(part, [2, 0, 1]), predictions).dataSync();
    });
    for (const [index, value] of found.entries()) sum[first + index]! += value;
  }
}

/** What each head puts out, the mean over its dimensions [h, B, T]. */
function headMeans(model: ModelTensors, layer: number, x: tf.Tensor): tf.Tensor3D {
  const { relationInputs } = backboneOf(model.architecture);
  if (relationInputs === undefined) throw new RangeError('heads are scored in layers that have attention');
  const joint = tf.concat(relationInputs(model, layer, x), 2);
  const outputs = attention(...attentionHeads(joint, layerShapes(model.architecture)[layer]!));
  return tf.transpose(tf.mean<tf.Tensor3D>(outputs, 3), [1, 0, 2]);
}

function diagonal(square: tf.Tensor2D): tf.Tensor1D {
  return tf.sum(tf.mul(square, tf.eye(square.shape[0])), 1);
}

function add(sum: Float64Array, found: tf.Tensor): void {
  for (const [index, value] of found.dataSync().entries()) sum[index]! += value;
}

function fromZeroToOne(values: Float64Array): Float64Array {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
  return values.map((value) => (most > least ? (value - least) / (most - least) : 0));
}
