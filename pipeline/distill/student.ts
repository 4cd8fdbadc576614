/** A descendant of a block while it trains, and how a checkpoint keeps it. */
import { disposeFfn, downloadFfn, uploadFfn, type FfnTensors } from '../model/ffn-tensors.ts';
import { ffnParts, type FfnPart, type FfnWeights } from '../model/ffn-weights.ts';
import { adamInit, disposeAdam, exportAdam, importAdam, type AdamState } from '../tensor/optimizer.ts';

export interface Student {
  readonly id: string;
  parameters: FfnTensors;
  adam: AdamState;
  /** Held-out error of the weights it started with: the refit. */
  readonly errorBefore: number;
  /** The trained weights with the lowest held-out error so far; step 0 and Infinity before the first look. */
  best: { readonly step: number; readonly error: number; readonly weights: FfnWeights };
}

export function startStudent(id: string, weights: FfnWeights, errorOf: (p: FfnTensors) => number): Student {
  const parameters = uploadFfn(weights);
  const adam = adamInit({ ...parameters });
  const best = { step: 0, error: Infinity, weights };
  return { id, parameters, adam, errorBefore: errorOf(parameters), best };
}

export function disposeStudent({ parameters, adam }: Student): void {
  disposeFfn(parameters);
  disposeAdam(adam);
}

/** Everything of the student as arrays, `<id>/fc1Kernel`, `<id>/m/...`, `<id>/v/...`, `<id>/best/...`. */
export async function studentArrays(student: Student): Promise<Record<string, Float32Array>> {
  const { id, parameters, adam, best } = student;
  const arrays: Record<string, Float32Array> = {};
  const now = await downloadFfn(parameters);
  for (const part of ffnParts) {
    arrays[`${id}/${part}`] = now[part];
    arrays[`${id}/best/${part}`] = best.weights[part];
  }
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
  best: { readonly step: number; readonly error: number } | null,
  arrays: Readonly<Record<string, Float32Array>>,
): void {
  const { id, parameters: old } = student;
  const [width, hidden] = old.fc1Kernel.shape as [number, number];
  const read = (prefix: string): FfnWeights => {
    const array = (part: FfnPart): Float32Array => {
      const found = arrays[`${prefix}/${part}`];
      if (found?.length === old[part].size) return found;
      const size = found === undefined ? 'no' : found.length;
      throw new Error(`checkpoint: ${prefix}/${part} has ${size} values, expected ${old[part].size}`);
    };
    return {
      width,
      hidden,
      fc1Kernel: array('fc1Kernel'),
      fc1Bias: array('fc1Bias'),
      fc2Kernel: array('fc2Kernel'),
      fc2Bias: array('fc2Bias'),
    };
  };
  const now = read(id);
  const bestWeights = read(`${id}/best`);
  const own = Object.entries(arrays).filter(([name]) => name.startsWith(`${id}/`));
  const moments = Object.fromEntries(own.map(([name, array]) => [name.slice(id.length + 1), array]));
  const adam = importAdam(step, moments, { ...old });
  disposeStudent(student);
  student.parameters = uploadFfn(now);
  student.adam = adam;
  if (best !== null) student.best = { ...best, weights: bestWeights };
}
