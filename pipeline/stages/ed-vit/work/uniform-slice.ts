import type * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../../model/architecture.ts';
import { modelCosts } from '../../../model/costs.ts';
import type { HostWeights } from '../../../model/host-weights.ts';
import type { JobProgress } from '../../../runner/contract.ts';
import { cutModel } from '../../../slicing/cut.ts';
import { foldVit } from '../../../slicing/fold.ts';
import type { SlicedModel } from '../../../slicing/sliced-model.ts';
import type { Json } from '../../../util/hash.ts';
import { joined } from '../../../util/joined.ts';
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
    const own = cutModel(whole, {
      channels: part(width),
      layers: indices(depth).map(() => layer),
      classes,
    });
    const cut = other ? withOther(own) : own;
    const { macs, sizeBytes } = modelCosts(cut.architecture);
    if (macs <= limits.macs && sizeBytes <= limits.sizeBytes) best = cut;
  }
  if (best === undefined) return Promise.reject(new Error('nothing is small enough'));
  return Promise.resolve({ model: best, report: { uniform: true } });
}

/** One more output, which begins as the mean of the others. */
function withOther({ architecture, weights }: SlicedModel): SlicedModel {
  const { width, classes } = architecture;
  const { 'head.weight': matrix, 'head.bias': bias } = weights;
  if (matrix === undefined || bias === undefined) throw new Error('a model without a head');
  const row = Float32Array.from({ length: width }, (_, column) =>
    indices(classes).reduce((sum, one) => sum + matrix.data[one * width + column]! / classes, 0),
  );
  return {
    architecture: { ...architecture, classes: classes + 1 },
    weights: {
      ...weights,
      'head.weight': { shape: [classes + 1, width], data: joined([matrix.data, row]) },
      'head.bias': {
        shape: [classes + 1],
        data: joined([bias.data, Float32Array.of(bias.data.reduce((sum, one) => sum + one / classes, 0))]),
      },
    },
  };
}
