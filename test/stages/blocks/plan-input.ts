import type { Architecture } from '../../../pipeline/model/architecture.ts';
import { blocksSchema, type BlocksInput } from '../../../pipeline/stages/blocks/schema.ts';
import { planInputOf } from '../plan-input.ts';

/** What would be planned for a config, without any file. */
export function planInput(config: object, architecture: Architecture): BlocksInput {
  return planInputOf(blocksSchema, config, architecture);
}
