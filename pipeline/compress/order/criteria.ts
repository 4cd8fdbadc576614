import { contribution } from './contribution.ts';
import type { Criterion } from './criterion.ts';
import { denoisedVariance } from './denoised-variance.ts';
import { fc1Magnitude } from './fc1-magnitude.ts';
import { magnitude } from './magnitude.ts';
import { reconstruction } from './reconstruction.ts';
import { variance } from './variance.ts';

/**
 * Every order criterion under its name in the config (`order.criterion`): those that need no more than the statistics
 * stage collects. `recipes/` knows two more.
 */
export const criteria = {
  reconstruction,
  magnitude,
  'fc1-magnitude': fc1Magnitude,
  variance,
  'denoised-variance': denoisedVariance,
  contribution,
} as const satisfies Record<string, Criterion>;
