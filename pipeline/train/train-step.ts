import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../model/architecture.ts';
import { forward } from '../model/encoder.ts';
import { recorded } from '../tensor/recorded/recorded.ts';
import { adamUpdate, type AdamSettings, type AdamState, type Tensors } from '../tensor/optimizer.ts';

/** A model in training: weights as `uploadWeights` makes them, and the optimiser's sums. */
export interface TrainingModel {
  readonly weights: Tensors;
  readonly adam: AdamState;
}

/**
 * One step on one batch: pixels [B, S, S, C], targets [B, classes]. Takes over `model` and returns its successor, and the
 * loss as a scalar that the caller disposes.
 */
export function trainStep(
  model: TrainingModel,
  architecture: Architecture,
  batch: { readonly pixels: tf.Tensor4D; readonly targets: tf.Tensor2D },
  settings: AdamSettings,
  learningRate: number,
): { model: TrainingModel; loss: tf.Scalar } {
  const names = Object.keys(model.weights);
  const [loss, ...grads] = recorded(
    `training ${JSON.stringify(architecture)} ${names.join()}`,
    [batch.pixels, batch.targets, ...names.map((name) => model.weights[name]!)],
    ([pixels, targets, ...values]) => {
      const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
        const weights = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
        return crossEntropy(forward({ architecture, weights }, pixels).logits, targets as tf.Tensor2D);
      })(values);
      return [value, ...grads];
    },
  );
  const gradients = Object.fromEntries(names.map((name, index) => [name, grads[index]!]));
  const next = adamUpdate(settings, learningRate, model.weights, gradients, model.adam);
  return { model: { weights: next.parameters, adam: next.state }, loss: loss as tf.Scalar };
}

/** Matrices decay; biases, norms, the class token and the positions do not. */
export function decays(name: string): boolean {
  return name.endsWith('.weight') && !/(^|\.)norm\d?\.weight$/.test(name);
}

/**
 * Targets for classification with label smoothing: `1 - smoothing` on the label and `smoothing` spread evenly over all
 * classes (Szegedy et al. 2016, section 7). Returns [B, classes] for B labels.
 */
export function smoothedTargets(labels: Int32Array, classes: number, smoothing: number): Float32Array {
  const targets = new Float32Array(labels.length * classes).fill(smoothing / classes);
  labels.forEach((label, row) => (targets[row * classes + label]! += 1 - smoothing));
  return targets;
}

/** Mean over the batch of `-sum_c targets log softmax(logits)`. Both [B, classes] -> scalar. Differentiable; caller disposes. */
export function crossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  return tf.tidy(() =>
    tf.neg<tf.Scalar>(tf.div(tf.sum(tf.mul(targets, tf.logSoftmax(logits))), logits.shape[0])),
  );
}
