import type { FfnWeights } from '../model/ffn-weights.ts';
import { matrix } from '../tensor/float64/matrix.ts';
import { addProduct } from '../tensor/float64/product.ts';
import type { BlockStatistics } from './statistics.ts';

/** What a block is to put out, as far as a least-squares fit on its hidden units needs to know it. */
export interface Targets {
  /** [D] */
  readonly mean: Float64Array;
  /** Covariance of hidden units and targets [H, D]. */
  readonly shared: Float64Array;
  /** Trace of the targets' covariance: their centred energy per token, summed over D. */
  readonly energy: number;
}

/** The teacher block's own outputs on the tokens of `statistics`: mean `b2 + mu W2`, shared `C W2`. */
export function teacherTargets(weights: FfnWeights, { mean, covariance }: BlockStatistics): Targets {
  const { hidden, width } = weights;
  const fc2 = matrix(hidden, width, Float64Array.from(weights.fc2Kernel));
  const shared = matrix(hidden, width);
  addProduct(shared, 1, matrix(hidden, hidden, covariance), fc2);
  const outputMean = Float64Array.from(weights.fc2Bias);
  let energy = 0;
  for (let j = 0; j < hidden; j++) {
    for (let d = 0, at = j * width; d < width; d++, at++) {
      outputMean[d]! += mean[j]! * fc2.data[at]!;
      energy += fc2.data[at]! * shared.data[at]!;
    }
  }
  return { mean: outputMean, shared: shared.data, energy };
}

/** Takes apart the statistics of hidden units and targets side by side, [h, t] with `hidden` units first. */
export function splitJoint(
  joint: BlockStatistics,
  hidden: number,
): { statistics: BlockStatistics; targets: Targets } {
  const all = joint.mean.length;
  const width = all - hidden;
  const covariance = new Float64Array(hidden * hidden);
  const shared = new Float64Array(hidden * width);
  for (let i = 0; i < hidden; i++) {
    const row = joint.covariance.subarray(i * all, (i + 1) * all);
    covariance.set(row.subarray(0, hidden), i * hidden);
    shared.set(row.subarray(hidden), i * width);
  }
  let energy = 0;
  for (let i = hidden; i < all; i++) energy += joint.covariance[i * all + i]!;
  return {
    statistics: { count: joint.count, mean: joint.mean.slice(0, hidden), covariance },
    targets: { mean: joint.mean.slice(hidden), shared, energy },
  };
}
