import type { CriterionName } from './criterion-names.ts';
import { activeEnergy } from './active-energy.ts';
import { contribution } from './contribution.ts';
import type { Criterion, Need } from './criterion.ts';
import { denoisedVariance } from './denoised-variance.ts';
import { fc1Magnitude } from './fc1-magnitude.ts';
import { magnitude } from './magnitude.ts';
import { reconstruction } from './reconstruction.ts';
import { taylor } from './taylor.ts';
import { variance } from './variance.ts';

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
