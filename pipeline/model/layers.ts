import type * as tf from '@tensorflow/tfjs-core';
import { layerNorm, linear } from '../tensor/ops.ts';
import { rmsNorm } from '../tensor/rms-norm.ts';
import type { ModelTensors } from './backbone.ts';

/** The model's own tensor: not to be disposed. @throws Error where there is none: a bug */
export function weightOf({ weights }: ModelTensors, name: string): tf.Tensor {
  const tensor = weights[name];
  if (tensor === undefined) throw new Error(`no tensor ${name}`);
  return tensor;
}

/** x [..., in] -> [..., out] by the model's layer `name`. Caller disposes. */
export function linearLayer(model: ModelTensors, name: string, x: tf.Tensor): tf.Tensor {
  return linear(x, weightOf(model, `${name}.weight`), weightOf(model, `${name}.bias`));
}

/** LayerNorm over the last axis by the model's layer `name`. Caller disposes. */
export function normLayer(model: ModelTensors, name: string, x: tf.Tensor): tf.Tensor {
  const { layerNormEpsilon } = model.architecture;
  return layerNorm(x, weightOf(model, `${name}.weight`), weightOf(model, `${name}.bias`), layerNormEpsilon);
}

/** RMS norm over the last axis by the model's layer `name`, which has no bias. Caller disposes. */
export function rmsNormLayer(model: ModelTensors, name: string, x: tf.Tensor): tf.Tensor {
  const { layerNormEpsilon, width, normWidth = width } = model.architecture;
  return rmsNorm(x, weightOf(model, `${name}.weight`), normWidth, layerNormEpsilon);
}
