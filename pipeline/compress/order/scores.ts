/** Criteria that score every hidden unit by itself, with one formula each. All are baselines. */
import type { FfnWeights } from '../../model/ffn-weights.ts';
import { orderByScore, type Criterion } from './criterion.ts';

/**
 * L1 magnitude of everything that one index removes: the L1 norm of a unit's columns in fc1 and in the gate plus that of its fc2 row.
 * Looks at no data. LegoDNN's own, which sees only the layers whose outputs it removes, is `fc1-magnitude`.
 */
export const magnitude: Criterion = ({ weights }) => {
  const { width, hidden, fc2Kernel } = weights;
  const scores = columnNorms(weights);
  for (let d = 0; d < width; d++) {
    for (let j = 0; j < hidden; j++) scores[j]! += Math.abs(fc2Kernel[j * width + d]!);
  }
  return orderByScore(scores);
};

/**
 * LegoDNN's criterion, taken literally: the L1 norm of the filters that make a channel, here a unit's columns in fc1 and in the gate
 * without their biases (Han et al., "LegoDNN", MobiCom 2021, and its public code). Looks at no data.
 */
export const fc1Magnitude: Criterion = ({ weights }) => orderByScore(columnNorms(weights));

function columnNorms({ width, hidden, fc1Kernel, gateKernel }: FfnWeights): Float64Array {
  const norms = new Float64Array(hidden);
  for (const kernel of [fc1Kernel, ...(gateKernel === undefined ? [] : [gateKernel])]) {
    for (let d = 0; d < width; d++) {
      for (let j = 0; j < hidden; j++) norms[j]! += Math.abs(kernel[d * hidden + j]!);
    }
  }
  return norms;
}

/** Variance-based pruning: the variance of each unit after GELU over the calibration tokens. */
export const variance: Criterion = ({ statistics: { mean, covariance } }) => {
  const hidden = mean.length;
  return orderByScore(mean.map((_, j) => covariance[j * hidden + j]!));
};

/**
 * Channel contribution (Puzzle): how much of the output a unit writes. Puzzle takes `E|h_j| ||W2_j||`; the statistics
 * hold second moments only, so this is `sqrt(E h_j^2) ||W2_j||_2`, the root mean square of the same quantity.
 */
export const contribution: Criterion = ({
  statistics: { mean, covariance },
  weights: { width, fc2Kernel },
}) => {
  const hidden = mean.length;
  const scores = mean.map((average, j) => {
    let norm = 0;
    for (const weight of fc2Kernel.subarray(j * width, (j + 1) * width)) norm += weight * weight;
    return Math.sqrt((covariance[j * hidden + j]! + average * average) * norm);
  });
  return orderByScore(scores);
};

/**
 * CORP's default ranking: the energy of a unit times the share of tokens on which it is active, `E[h^2] P(|h| > e)`
 * (Zhang and Yang, "CORP", arXiv 2602.05243; the threshold is that of its public code, see `createActiveRate`).
 */
export const activeEnergy: Criterion = ({ statistics: { mean, covariance }, activeRate }) => {
  const hidden = mean.length;
  if (activeRate?.length !== hidden)
    throw new RangeError(`active-energy needs the active rate of ${hidden} units`);
  return orderByScore(
    mean.map((average, j) => (covariance[j * hidden + j]! + average * average) * activeRate[j]!),
  );
};

/**
 * First-order Taylor expansion of the model's own loss: `E |g_j h_j|`, g the gradient at the unit (Molchanov et al.,
 * "Importance Estimation for Neural Network Pruning", CVPR 2019, with gates at the hidden units; per token).
 */
export const taylor: Criterion = ({ statistics: { mean }, saliency }) => {
  if (saliency?.length !== mean.length)
    throw new RangeError(`taylor needs the saliency of ${mean.length} units`);
  return orderByScore(saliency);
};
