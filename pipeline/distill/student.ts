/** A whole student while it trains, and how a checkpoint keeps it. */
import * as tf from '@tensorflow/tfjs-core';
import { blockName } from '../model/architecture.ts';
import { downloadFfn, uploadFfn, type FfnTensors } from '../model/ffn-tensors.ts';
import { ffnParts, mapParts, partOf, partsOf, type FfnPart, type FfnWeights } from '../model/ffn-weights.ts';
import {
  adamInit,
  disposeAdam,
  exportAdam,
  importAdam,
  type AdamState,
  type Tensors,
} from '../tensor/optimizer.ts';
import type { TrainedModel } from './distill-task.ts';

export interface Student {
  readonly id: string;
  /** By `block-03/fc1Kernel`. */
  parameters: Tensors;
  adam: AdamState;
  /** The trained weights with the lowest held-out KL so far; null before the first look. */
  best: { readonly step: number; readonly ffns: readonly FfnWeights[] } | null;
}

export function startStudent({ id, ffns }: TrainedModel): Student {
  const parameters: Record<string, tf.Tensor> = {};
  for (const [block, weights] of ffns.entries()) {
    const tensors = uploadFfn(weights);
    for (const part of partsOf(tensors)) parameters[parameterName(block, part)] = partOf(tensors, part);
  }
  return { id, parameters, adam: adamInit(parameters), best: null };
}

export function parameterName(block: number, part: FfnPart): string {
  return `${blockName(block)}/${part}`;
}

/** The parameters of every block, as they are now: not to be disposed. */
export function ffnsOf(parameters: Tensors): FfnTensors[] {
  const parts = ffnParts(parameterName(0, 'gateKernel') in parameters);
  const depth = Object.keys(parameters).length / parts.length;
  return Array.from({ length: depth }, (_, block) =>
    mapParts(parts, (part) => parameters[parameterName(block, part)]!),
  );
}

/** The values of every block back on the host. */
export async function downloadFfns({ parameters }: Student): Promise<FfnWeights[]> {
  const ffns: FfnWeights[] = [];
  for (const ffn of ffnsOf(parameters)) ffns.push(await downloadFfn(ffn));
  return ffns;
}

export function disposeStudent({ parameters, adam }: Student): void {
  tf.dispose(Object.values(parameters));
  disposeAdam(adam);
}

/** Everything of the student as arrays: `<id>/block-03/fc1Kernel`, `<id>/m/...`, `<id>/v/...`, `<id>/best/...`. */
export async function studentArrays(student: Student): Promise<Record<string, Float32Array>> {
  const { id, adam, best } = student;
  const arrays: Record<string, Float32Array> = {};
  const put = (prefix: string, ffns: readonly FfnWeights[]): void => {
    for (const [block, ffn] of ffns.entries()) {
      for (const part of partsOf(ffn)) arrays[`${prefix}/${parameterName(block, part)}`] = partOf(ffn, part);
    }
  };
  put(id, await downloadFfns(student));
  if (best !== null) put(`${id}/best`, best.ffns);
  for (const [name, array] of Object.entries(exportAdam(adam))) arrays[`${id}/${name}`] = array;
  return arrays;
}

/**
 * Puts a fresh student back to where `studentArrays` saw it, after `step` steps.
 * @throws Error where an array is missing or of another size: the checkpoint belongs to something else.
 */
export function restoreStudent(
  student: Student,
  step: number,
  bestStep: number | null,
  arrays: Readonly<Record<string, Float32Array>>,
): void {
  const { id, parameters: old } = student;
  const read = (prefix: string): FfnWeights[] =>
    ffnsOf(old).map((ffn, block) => {
      const [width, hidden] = ffn.fc1Kernel.shape as [number, number];
      const values = mapParts(partsOf(ffn), (part) => {
        const name = `${prefix}/${parameterName(block, part)}`;
        const found = arrays[name];
        const { size } = partOf(ffn, part);
        if (found?.length === size) return found;
        throw new Error(`checkpoint: ${name} has ${found?.length ?? 'no'} values, expected ${size}`);
      });
      return { width, hidden, ...values };
    });
  const ffns = read(id);
  const best = bestStep === null ? null : { step: bestStep, ffns: read(`${id}/best`) };
  const own = Object.entries(arrays).filter(([name]) => name.startsWith(`${id}/`));
  const moments = Object.fromEntries(own.map(([name, array]) => [name.slice(id.length + 1), array]));
  const adam = importAdam(step, moments, old);
  disposeStudent(student);
  const fresh = startStudent({ id, ffns });
  disposeAdam(fresh.adam);
  student.parameters = fresh.parameters;
  student.adam = adam;
  student.best = best;
}
