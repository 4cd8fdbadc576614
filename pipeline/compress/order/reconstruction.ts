import { factorise } from '../../tensor/float64/cholesky.ts';
import { invertFactored } from '../../tensor/float64/inverse.ts';
import { matrix, transposed } from '../../tensor/float64/matrix.ts';
import { addProduct } from '../../tensor/float64/product.ts';
import { absoluteRidge } from '../ridge.ts';
import type { Criterion } from './criterion.ts';
import { eliminate } from './elimination.ts';

/**
 * Backward elimination on the exact refit error (docs/design.md, order; the least-squares objective of ZipLM and OSSCAR, greedy and
 * with the bias refitted). With P = (C + ridge I)^-1 the best fc2 for all units is W = P C W2 = W2 - ridge P W2;
 * removing unit j then adds ||W_j||^2 / P_jj to the regularised error, and the cheapest goes.
 *
 * All widths come from this one pass: the reversed order of removal is the order, and the running sum of the costs,
 * less ridge ||W||^2, is the expected error of every prefix. About 1.1 H^3 + 1.5 H^2 D multiply-adds.
 */
export const reconstruction: Criterion = ({ statistics, weights, ridge: share }) => {
  const { width, hidden } = weights;
  const covariance = matrix(hidden, hidden, statistics.covariance);
  const { factor, ridge, ridgeRaised } = factorise(
    covariance,
    absoluteRidge(statistics.covariance, hidden, share),
  );
  invertFactored(factor);
  const precision = factor;
  const original = matrix(hidden, width, Float64Array.from(weights.fc2Kernel));
  const refitted = matrix(hidden, width, Float64Array.from(weights.fc2Kernel));
  addProduct(refitted, -ridge, precision, original);
  const gram = matrix(hidden, hidden);
  addProduct(gram, 1, refitted, transposed(refitted), { lowerOnly: true });
  let regularised = 0;
  let norm = 0;
  for (let i = 0; i < original.data.length; i++) {
    regularised += ridge * refitted.data[i]! * original.data[i]!;
    norm += refitted.data[i]! ** 2;
  }
  const smallest = Float64Array.from({ length: hidden }, (_, j) => {
    return 1 / (statistics.covariance[j * hidden + j]! + ridge);
  });
  const { removed, cost, remainingNorm } = eliminate(precision, gram, smallest);

  const predictedError = new Float64Array(hidden + 1);
  predictedError[hidden] = Math.max(0, regularised - ridge * norm);
  for (let k = hidden - 1; k >= 0; k--) {
    regularised += cost[hidden - 1 - k]!;
    predictedError[k] = Math.max(0, regularised - ridge * remainingNorm[hidden - 1 - k]!);
  }
  return { units: removed.reverse(), predictedError, ridge, ridgeRaised };
};
