/** The descendants of one block while they train: parameters, optimiser state and the best weights seen. */
import type * as tf from '@tensorflow/tfjs-core';
import { disposeFfn, downloadFfn, uploadFfn, type FfnTensors } from '../model/ffn-tensors.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import {
  adamInit,
  adamUpdate,
  disposeAdam,
  exportAdam,
  importAdam,
  type AdamSettings,
  type AdamState,
} from '../tensor/optimizer.ts';
import type { Gelu } from '../tensor/ops.ts';
import { distillGradients } from './loss.ts';
import type { DistillSettings } from './task.ts';
import type { Example } from './examples.ts';

export interface Student {
  readonly id: string;
  parameters: FfnTensors;
  adam: AdamState;
  /** Held-out error of the weights it started with: the refit. */
  readonly errorBefore: number;
  /** The trained weights with the lowest held-out error so far; step 0 and Infinity before the first look. */
  best: { step: number; error: number; weights: FfnWeights };
}

const parameterNames = ['fc1Kernel', 'fc1Bias', 'fc2Kernel', 'fc2Bias'] as const;

export function start(id: string, weights: FfnWeights, errorOf: (p: FfnTensors) => number): Student {
  const parameters = uploadFfn(weights);
  const adam = adamInit({ ...parameters });
  return {
    id,
    parameters,
    adam,
    errorBefore: errorOf(parameters),
    best: { step: 0, error: Infinity, weights },
  };
}

export interface Step {
  readonly lossScale: number;
  readonly learningRate: number;
  readonly gelu: Gelu;
  readonly adam: AdamSettings;
}

/** One optimiser step on an example, which stays the caller's. Returns its loss on the engine; caller disposes it. */
export function step(
  student: Student,
  { x, target }: Example,
  { lossScale, learningRate, gelu, adam }: Step,
): tf.Scalar {
  const { loss, gradients } = distillGradients(x, target, student.parameters, gelu, lossScale);
  const next = adamUpdate(adam, learningRate, student.parameters, gradients, student.adam);
  student.parameters = next.parameters;
  student.adam = next.state;
  return loss;
}

export function adamSettings({
  optimizer,
  weightDecay,
}: Pick<DistillSettings, 'optimizer' | 'weightDecay'>): AdamSettings {
  if (optimizer === 'adam') return {};
  return { weightDecay, decays: (name) => name === 'fc1Kernel' || name === 'fc2Kernel' };
}

/** Measures the student on the held-out tokens and remembers it where it is the best so far. */
export async function judge(
  student: Student,
  step: number,
  errorOf: (p: FfnTensors) => number,
): Promise<number> {
  const error = errorOf(student.parameters);
  if (error < student.best.error) {
    student.best = { step, error, weights: await downloadFfn(student.parameters) };
  }
  return error;
}

export function dispose(student: Student): void {
  disposeFfn(student.parameters);
  disposeAdam(student.adam);
}

/** Everything of the student as arrays, `<id>/fc1Kernel`, `<id>/m/...`, `<id>/v/...`, `<id>/best/...`. */
export async function exportArrays(student: Student): Promise<Record<string, Float32Array>> {
  const arrays: Record<string, Float32Array> = {};
  const now = await downloadFfn(student.parameters);
  for (const name of parameterNames) {
    arrays[`${student.id}/${name}`] = now[name];
    arrays[`${student.id}/best/${name}`] = student.best.weights[name];
  }
  for (const [name, array] of Object.entries(exportAdam(student.adam)))
    arrays[`${student.id}/${name}`] = array;
  return arrays;
}

/**
 * Puts a student back to where `exportArrays` saw it.
 * @throws Error where an array is missing or of another size: the checkpoint belongs to something else.
 */
export function restore(
  student: Student,
  step: number,
  best: { step: number; error: number } | null,
  arrays: Readonly<Record<string, Float32Array>>,
): void {
  const { id, parameters: old } = student;
  const read = (prefix: string): FfnWeights => {
    const [width, hidden] = old.fc1Kernel.shape as [number, number];
    const fields = parameterNames.map((name) => {
      const array = arrays[`${prefix}/${name}`];
      if (array?.length !== old[name].size) {
        throw new Error(
          `checkpoint: ${prefix}/${name} has ${array?.length} values, expected ${old[name].size}`,
        );
      }
      return [name, array];
    });
    return {
      width,
      hidden,
      ...(Object.fromEntries(fields) as Pick<FfnWeights, (typeof parameterNames)[number]>),
    };
  };
  const now = read(id);
  const bestWeights = read(`${id}/best`);
  const own = Object.entries(arrays).filter(([name]) => name.startsWith(`${id}/`));
  const moments = Object.fromEntries(own.map(([name, array]) => [name.slice(id.length + 1), array]));
  const adam = importAdam(step, moments, { ...old });
  dispose(student);
  student.parameters = uploadFfn(now);
  student.adam = adam;
  if (best !== null) student.best = { ...best, weights: bestWeights };
}
