import type { Architecture } from '../../../pipeline/model/architecture.ts';
import type { InspectedCheckpoint } from '../../../pipeline/stages/common/plan-input.ts';
import { devitSchema, type DevitInput } from '../../../pipeline/stages/devit/schema.ts';
import { otherCheckpoints } from '../../../pipeline/stages/devit/others.ts';
import { vitBase } from '../../support/checkpoints.ts';
import { planInputOf } from '../plan-input.ts';

export const teacher: Architecture = { ...vitBase, classes: 10 };
/** What is found in every checkpoint that a config of these tests names. */
export const small: Architecture = { ...vitBase, width: 192, heads: 3, hidden: 768, classes: 1000 };

/** What would be planned for a config with ten classes, without any file. */
export function planInput(config: object, found: Architecture = small): DevitInput {
  const input = planInputOf(devitSchema, { method: 'devit', ...config }, teacher);
  const others = otherCheckpoints(input.loaded.config).map((other): InspectedCheckpoint => ({
    ...other,
    found,
    files: [other.checkpoint],
    told: {},
  }));
  return { ...input, inputs: { ...input.inputs, others } };
}
