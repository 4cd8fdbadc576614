import * as tf from '@tensorflow/tfjs-core';
import { createStatistics } from '../../../compress/statistics.ts';
import { splitJoint } from '../../../compress/targets.ts';
import type { HostTensor, HostWeights } from '../../../model/host-weights.ts';
import { uploadTeacher } from '../../../model/upload.ts';
import { leastSquares } from '../../../slicing/least-squares.ts';
import { predictFeatures } from '../../../submodels/training/predict-features.ts';
import type { RunModel } from '../../fleets/work/model-file.ts';

export interface HeadFit {
  /** [N, outputs]: what is to be answered, of the images in their order. */
  readonly targets: Float32Array;
  readonly outputs: number;
  /** Share of the features' mean variance. */
  readonly ridge: number;
  readonly signal: AbortSignal;
}

/** Heads of a model, each of which reads its own part of the pooled features, side by side in this order. */
const headNames = ['head', 'head_dist'];

/**
 * A pretrained model with a head for other classes: least squares with intercept from its pooled features to what is to be answered,
 * up to a number per image that softmax does not see. Every other weight stays as it is. A model with two heads gets two.
 * @param batches pixels [B, S, S, C]; disposed here
 */
export async function withFittedHead(
  { architecture, weights }: RunModel,
  batches: AsyncIterable<tf.Tensor4D>,
  { targets, outputs, ridge, signal }: HeadFit,
): Promise<RunModel> {
  const names = headNames.filter((name) => `${name}.weight` in weights);
  const widths = names.map((name) => weights[`${name}.weight`]!.shape[1]!);
  const sums = widths.map((width) => createStatistics(width + outputs));
  const model = uploadTeacher(weights, architecture);
  try {
    let row = 0;
    for await (const { count, features } of predictFeatures(model, batches)) {
      signal.throwIfAborted();
      const from = row;
      tf.tidy(() => {
        const own = tf.tensor2d(targets.subarray(from * outputs, (from + count) * outputs), [count, outputs]);
        const centred = tf.sub(own, tf.mean(own, 1, true));
        const parts = tf.split(tf.tensor2d(features, [count, features.length / count]), widths, 1);
        for (const [i, part] of parts.entries()) sums[i]!.add(tf.concat([part, centred], 1) as tf.Tensor2D);
      });
      row += count;
    }
    const fitted: HostWeights = { ...weights };
    for (const [i, name] of names.entries()) {
      const { statistics, targets: wanted } = splitJoint(sums[i]!.finish(), widths[i]!);
      const { kernel, bias } = leastSquares(statistics, wanted, ridge);
      fitted[`${name}.weight`] = transposed(kernel, widths[i]!, outputs);
      fitted[`${name}.bias`] = { shape: [outputs], data: Float32Array.from(bias) };
    }
    return { architecture: { ...architecture, classes: outputs }, weights: fitted };
  } finally {
    for (const sum of sums) sum.dispose();
    model.dispose();
  }
}

/** [inputs, outputs] -> [outputs, inputs], as files have it. */
function transposed(kernel: Float64Array, inputs: number, outputs: number): HostTensor {
  const data = new Float32Array(kernel.length);
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < outputs; j++) data[j * inputs + i] = kernel[i * outputs + j]!;
  }
  return { shape: [outputs, inputs], data };
}
