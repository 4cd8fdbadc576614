import { contribution } from './contribution.ts';
import type { Criterion } from './criterion.ts';
import { magnitude } from './magnitude.ts';
import { reconstruction } from './reconstruction.ts';
import { variance } from './variance.ts';

/** Every order criterion under its name in the config (`order.criterion`). */
export const criteria = { reconstruction, magnitude, variance, contribution } as const satisfies Record<
  string,
  Criterion
>;
