import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../model/architecture.ts';
import { canonicalShapes, type HostWeights } from '../model/host-weights.ts';
import { initialWeights } from '../model/initial-weights.ts';
import { uploadWeights } from '../model/upload.ts';
import { adamInit, disposeAdam, exportAdam, importAdam } from '../tensor/optimizer.ts';
import type { TrainingState } from '../tensor/training-state.ts';
import type { Epoch } from './train-task.ts';
import type { TrainingModel } from './train-step.ts';

/** A training between two epochs. */
export interface TrainingRun {
  /** Lives on the engine. */
  model: TrainingModel;
  readonly history: Epoch[];
  /** Before the first epoch: nothing right yet. */
  best: { readonly epoch: number; readonly accuracy: number; readonly weights: HostWeights };
}

/** Where a training begins. Caller disposes the model. */
export function startTraining(architecture: Architecture, seed: number): TrainingRun {
  const host = initialWeights(architecture, seed);
  const weights = uploadWeights(host, architecture);
  const best = { epoch: 0, accuracy: -1, weights: host };
  return { model: { weights, adam: adamInit(weights) }, history: [], best };
}

export function saveTraining({ model, history, best }: TrainingRun): TrainingState {
  const tensors: Record<string, Float32Array> = exportAdam(model.adam);
  for (const [name, tensor] of Object.entries(model.weights)) tensors[name] = tensor.dataSync<'float32'>();
  for (const [name, { data }] of Object.entries(best.weights)) tensors[`best/${name}`] = data;
  const meta = { step: model.adam.step, history, best: { epoch: best.epoch, accuracy: best.accuracy } };
  return { meta, tensors };
}

/**
 * The inverse of `saveTraining`. Caller disposes the model.
 * @throws Error where the state is of another architecture.
 */
export function restoreTraining(architecture: Architecture, { meta, tensors }: TrainingState): TrainingRun {
  const { step, history, best } = meta as unknown as {
    step: number;
    history: Epoch[];
    best: { epoch: number; accuracy: number };
  };
  const array = (name: string, length: number): Float32Array => {
    const found = tensors[name];
    if (found?.length === length) return found.slice();
    throw new Error(`checkpoint: ${name} has ${found?.length} values, expected ${length}`);
  };
  const shapes = Object.entries(canonicalShapes(architecture));
  const weights: HostWeights = {};
  for (const [name, shape] of shapes) {
    const length = shape.reduce((product, extent) => product * extent, 1);
    weights[name] = { shape, data: array(`best/${name}`, length) };
  }
  // The upload only lends its shapes: the engine's layout is not the canonical one.
  const template = uploadWeights(weights, architecture);
  const restored = Object.fromEntries(
    Object.entries(template).map(([name, { shape, size }]) => [name, tf.tensor(array(name, size), shape)]),
  );
  tf.dispose(template);
  const model = { weights: restored, adam: importAdam(step, tensors, restored) };
  return { model, history: [...history], best: { ...best, weights } };
}

export function disposeModel({ weights, adam }: TrainingModel): void {
  tf.dispose(Object.values(weights));
  disposeAdam(adam);
}
