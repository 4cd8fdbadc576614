import type * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../../model/architecture.ts';
import { modelCosts } from '../../../model/costs.ts';
import type { HostWeights } from '../../../model/host-weights.ts';
import type { JobProgress } from '../../../runner/contract.ts';
import { cutModel } from '../../../slicing/cut.ts';
import { foldVit } from '../../../slicing/fold.ts';
import type { SlicedModel } from '../../../slicing/sliced-model.ts';
import type { Json } from '../../../util/hash.ts';
import { indices } from '../../common/artefacts.ts';

export interface SliceTask {
  readonly teacher: { readonly weights: HostWeights; readonly architecture: Architecture };
  readonly classes: readonly number[];
  readonly other: boolean;
  readonly fit: () => AsyncIterable<tf.Tensor4D>;
  readonly judge: () => AsyncIterable<tf.Tensor4D>;
  readonly limits: { readonly macs: number; readonly sizeBytes: number };
  readonly settings: unknown;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: JobProgress) => void;
}

/** The largest uniform cut within the limits: the first of every dimension. */
export function sliceSubmodel({ teacher, classes, other, limits }: SliceTask): Promise<{
  model: SlicedModel;
  report: Json;
}> {
  const whole = foldVit(teacher.weights, teacher.architecture);
  const { width, heads, hidden, depth } = teacher.architecture;
  const size = width / heads;
  let best: SlicedModel | undefined;
  for (let step = 1; step <= 24; step++) {
    const part = (of: number) => Math.max(1, Math.round((of * step) / 24));
    const layer = { keys: part(size), values: part(size), units: part(hidden) };
    const cut = cutModel(whole, {
      channels: part(width),
      layers: indices(depth).map(() => layer),
      classes: other ? [...classes, classes[0]!] : classes,
    });
    const { macs, sizeBytes } = modelCosts(cut.architecture);
    if (macs <= limits.macs && sizeBytes <= limits.sizeBytes) best = cut;
  }
  if (best === undefined) return Promise.reject(new Error('nothing is small enough'));
  return Promise.resolve({ model: best, report: { uniform: true } });
}
