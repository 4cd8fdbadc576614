/** A training of an ensemble between two steps, and how a checkpoint keeps it. */
import * as tf from '@tensorflow/tfjs-core';
import {
  adamInit,
  disposeAdam,
  exportAdam,
  importAdam,
  type AdamState,
  type Tensors,
} from '../../tensor/optimizer.ts';
import type { TrainingState } from '../../tensor/training-state.ts';
import type { Standardisation } from '../fusion/standardised.ts';
import { savedTensors } from '../training/saved-tensors.ts';
import type { EnsembleLook } from './ensemble-task.ts';

/** One of the models that move together: a sub-model, or the head. Lives on the engine. */
export interface Part {
  readonly parameters: Tensors;
  readonly adam: AdamState;
  /** Running mean of the parameters. */
  readonly average: Tensors | undefined;
}

export interface EnsembleRun {
  /** The sub-models in their order, then the head: `kernel-0`, `bias-0`, `kernel-1`, `bias-1`. */
  parts: readonly Part[];
  /** Of the features at the start, which the head goes on to be trained on. */
  standardisation: Standardisation;
  /** That the start was found best with. */
  ridge: number;
  /** What the schedule is laid out for; 0 until that is known. */
  steps: number;
  step: number;
  /** Of earlier sittings. */
  seconds: number;
  /** Of the steps since the last look: the losses that were read back, in their order. */
  losses: { readonly sum: number; readonly steps: number };
  readonly history: EnsembleLook[];
  best: { readonly look: EnsembleLook; readonly parts: readonly HostPart[] } | undefined;
}

/** Parameters as they lie on the engine. */
export type HostPart = Readonly<Record<string, Float32Array>>;

/** Takes over the parameters. Caller disposes the run. */
export function startRun(
  parameters: readonly Tensors[],
  standardisation: Standardisation,
  ridge: number,
  isAveraged: boolean,
): EnsembleRun {
  return {
    parts: parameters.map((own) => ({
      parameters: own,
      adam: adamInit(own),
      average: isAveraged ? cloned(own) : undefined,
    })),
    standardisation,
    ridge,
    steps: 0,
    step: 0,
    seconds: 0,
    losses: { sum: 0, steps: 0 },
    history: [],
    best: undefined,
  };
}

export function disposeRun({ parts }: Pick<EnsembleRun, 'parts'>): void {
  for (const { parameters, adam, average } of parts) {
    tf.dispose(Object.values(parameters));
    disposeAdam(adam);
    if (average) tf.dispose(Object.values(average));
  }
}

/** Copies on the host. */
export function hostPart(parameters: Tensors): HostPart {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => [name, tensor.dataSync<'float32'>().slice()]),
  );
}

export function saveRun({ parts, standardisation, best, ...rest }: EnsembleRun): TrainingState {
  const tensors: Record<string, Float32Array> = {};
  const add = (prefix: string, some: HostPart): void => {
    for (const [name, data] of Object.entries(some)) tensors[`${prefix}/${name}`] = data;
  };
  add('standardisation', { ...standardisation });
  parts.forEach(({ parameters, adam, average }, place) => {
    add(`${place}`, exportAdam(adam));
    add(`${place}/now`, hostPart(parameters));
    if (average) add(`${place}/average`, hostPart(average));
    if (best) add(`${place}/best`, best.parts[place]!);
  });
  return { meta: { ...rest, history: [...rest.history], best: best?.look ?? null }, tensors };
}

/**
 * Puts a run that has just been started back to where `saveRun` saw it.
 * @throws Error where the state is of other sub-models or other settings
 */
export function restoreRun(run: EnsembleRun, saved: TrainingState): void {
  const meta = saved.meta as unknown as Pick<
    EnsembleRun,
    'steps' | 'step' | 'seconds' | 'losses' | 'ridge'
  > & { readonly history: readonly EnsembleLook[]; readonly best: EnsembleLook | null };
  const { array, read } = savedTensors(saved);
  const parts = run.parts.map(({ parameters, average }, place) => ({
    parameters: read(`${place}/now`, parameters),
    adam: importAdam(meta.step, withoutPrefix(saved.tensors, `${place}/`), parameters),
    average: average && read(`${place}/average`, average),
  }));
  const width = run.standardisation.mean.length;
  const { best } = meta;
  if (best !== null) {
    const kept = run.parts.map(({ parameters }, place) =>
      Object.fromEntries(
        Object.entries(parameters).map(([name, { size }]) => [name, array(`${place}/best/${name}`, size)]),
      ),
    );
    run.best = { look: best, parts: kept };
  }
  disposeRun(run);
  run.parts = parts;
  run.standardisation = {
    mean: array('standardisation/mean', width),
    scale: array('standardisation/scale', width),
  };
  run.ridge = meta.ridge;
  run.steps = meta.steps;
  run.step = meta.step;
  run.seconds = meta.seconds;
  run.losses = meta.losses;
  run.history.push(...meta.history);
}

function withoutPrefix(
  tensors: TrainingState['tensors'],
  prefix: string,
): Readonly<Record<string, Float32Array>> {
  return Object.fromEntries(
    Object.entries(tensors).flatMap(([name, data]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), data] as const] : [],
    ),
  );
}

function cloned(tensors: Tensors): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tf.clone(tensor)]));
}
