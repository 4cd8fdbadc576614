import type { Architecture } from '../../../pipeline/model/architecture.ts';
import { edVitSchema, type EdVitInput } from '../../../pipeline/stages/ed-vit/schema.ts';
import { vitBase } from '../../support/checkpoints.ts';
import { planInputOf } from '../plan-input.ts';

/** What would be planned for a config of a fleet with ten classes, by the smallest method that has one, without any file. */
export function planInput(
  config: object,
  architecture: Architecture = { ...vitBase, classes: 10 },
): EdVitInput {
  return planInputOf(edVitSchema, { method: 'ed-vit', ...config }, architecture);
}
