import { oncePer } from '../../util/once-per.ts';
import type { PlannedFleet } from '../fleets/plan-fleets.ts';
import { planFleets } from '../fleets/plan-fleets.ts';
import type { DevitInput } from './schema.ts';
import { startSubmodels } from './start-submodels.ts';

/**
 * Every fleet with what its sub-models may cost, what they start from and who teaches them.
 * @throws BlockForgeError `config-invalid` as `planFleets`, and where a student does not fit images, teacher or limits
 */
export const planDevit = oncePer((input: DevitInput): PlannedFleet[] => {
  const { train, duration } = input.loaded.config.ensemble;
  return planFleets(input, {
    start: (submodels, classes, subject) => startSubmodels(input, submodels, classes, subject),
    joint: train === 'joint' ? duration : undefined,
  });
});
