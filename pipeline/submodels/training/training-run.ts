/** A training between two steps, and how a checkpoint keeps it. */
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../model/architecture.ts';
import { canonicalShapes, type HostWeights } from '../../model/host-weights.ts';
import { uploadWeights } from '../../model/upload.ts';
import { adamInit, disposeAdam, exportAdam, importAdam, type Tensors } from '../../tensor/optimizer.ts';
import type { TrainingState } from '../../tensor/training-state.ts';
import { savedTensors } from './saved-tensors.ts';
import type { MovingModel } from './submodel-step.ts';
import type { TrainingLook } from './training-task.ts';

export interface SubmodelRun {
  /** Lives on the engine. */
  model: MovingModel;
  /** Running mean of the model's weights, without the lift. */
  average: Tensors | undefined;
  /** What the schedule is laid out for; 0 until that is known. */
  steps: number;
  step: number;
  /** Of earlier sittings. */
  seconds: number;
  /** Of the steps since the last look: the losses that were read back, in their order. */
  losses: { readonly sum: number; readonly steps: number };
  readonly history: TrainingLook[];
  best: { readonly look: TrainingLook; readonly weights: HostWeights } | undefined;
}

/** Takes over the lift's tensors. Caller disposes the run. */
export function startRun(
  weights: HostWeights,
  architecture: Architecture,
  lift: Tensors,
  isAveraged: boolean,
): SubmodelRun {
  const own = uploadWeights(weights, architecture);
  const parameters = { ...own, ...lift };
  return {
    model: { parameters, adam: adamInit(parameters) },
    average: isAveraged ? cloned(own) : undefined,
    steps: 0,
    step: 0,
    seconds: 0,
    losses: { sum: 0, steps: 0 },
    history: [],
    best: undefined,
  };
}

export function disposeRun({ model, average }: SubmodelRun): void {
  tf.dispose(Object.values(model.parameters));
  disposeAdam(model.adam);
  if (average) tf.dispose(Object.values(average));
}

export function saveRun({ model, average, best, ...rest }: SubmodelRun): TrainingState {
  const tensors: Record<string, Float32Array> = exportAdam(model.adam);
  const add = (prefix: string, some: Tensors = {}): void => {
    for (const [name, tensor] of Object.entries(some)) {
      tensors[`${prefix}/${name}`] = tensor.dataSync<'float32'>();
    }
  };
  add('now', model.parameters);
  add('average', average);
  for (const [name, { data }] of Object.entries(best?.weights ?? {})) tensors[`best/${name}`] = data;
  return { meta: { ...rest, history: [...rest.history], best: best?.look ?? null }, tensors };
}

/**
 * Puts a run that has just been started back to where `saveRun` saw it.
 * @throws Error where the state is of another architecture or other settings.
 */
export function restoreRun(run: SubmodelRun, architecture: Architecture, saved: TrainingState): void {
  const meta = saved.meta as unknown as Pick<SubmodelRun, 'steps' | 'step' | 'seconds' | 'losses'> & {
    readonly history: readonly TrainingLook[];
    readonly best: TrainingLook | null;
  };
  const { array, read } = savedTensors(saved);
  const adam = importAdam(meta.step, saved.tensors, run.model.parameters);
  const parameters = read('now', run.model.parameters);
  const average = run.average && read('average', run.average);
  disposeRun(run);
  run.model = { parameters, adam };
  run.average = average;
  run.steps = meta.steps;
  run.step = meta.step;
  run.seconds = meta.seconds;
  run.losses = meta.losses;
  run.history.push(...meta.history);
  if (meta.best === null) return;
  const shapes = Object.entries(canonicalShapes(architecture));
  const weights = shapes.map(([name, shape]) => {
    const length = shape.reduce((product, extent) => product * extent, 1);
    return [name, { shape, data: array(`best/${name}`, length) }] as const;
  });
  run.best = { look: meta.best, weights: Object.fromEntries(weights) };
}

function cloned(tensors: Tensors): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tf.clone(tensor)]));
}
