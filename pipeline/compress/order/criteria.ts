import type { CriterionName } from './criterion-names.ts';
import type { FfnWeights } from '../../model/ffn-weights.ts';
import type { Ridge } from '../ridge.ts';
import type { BlockEvidence, Criterion, Need, Order } from './criterion.ts';
import { denoisedVariance } from './denoised-variance.ts';
import { reconstruction } from './reconstruction.ts';
import { activeEnergy, contribution, fc1Magnitude, magnitude, taylor, variance } from './scores.ts';

/** A criterion, and what the calibration images must be asked for it beside the statistics. */
interface NamedCriterion {
  readonly order: Criterion;
  readonly needs: readonly Need[];
}

/** Every order criterion. Free of TensorFlow.js: a plan reads `needs`. */
export const criteria: Readonly<Record<CriterionName, NamedCriterion>> = {
  reconstruction: { order: reconstruction, needs: [] },
  magnitude: { order: magnitude, needs: [] },
  'fc1-magnitude': { order: fc1Magnitude, needs: [] },
  variance: { order: variance, needs: [] },
  'denoised-variance': { order: denoisedVariance, needs: [] },
  contribution: { order: contribution, needs: [] },
  'active-energy': { order: activeEnergy, needs: ['activeRate'] },
  taylor: { order: taylor, needs: ['saliency'] },
};

/** For criteria that factorise, where the ridge's rule depends on a kept set that is not known yet. */
const orderRidge = 1e-4;

/** Sorts the hidden units of one block by the criterion named, most worth keeping first. */
export function orderBlock(
  { criterion, ridge }: { readonly criterion: CriterionName; readonly ridge: Ridge },
  weights: FfnWeights,
  evidence: BlockEvidence,
): Order {
  return criteria[criterion].order({
    ...evidence,
    weights,
    ridge: typeof ridge === 'number' ? ridge : orderRidge,
  });
}
