import { shrinkByPolicy } from './policy/shrink-by-policy.ts';
import { sliceByCompensation } from './slice-by-compensation.ts';
import type { SliceResult, SliceTask } from './slice-task.ts';

export type { SliceResult, SliceTask } from './slice-task.ts';

const ways = { compensation: sliceByCompensation, policy: shrinkByPolicy };

/**
 * Cuts a model for a subset of the classes out of a teacher, in the way that the settings name; nothing is trained and no
 * label is read. @throws as they do
 */
export function sliceSubmodel(task: SliceTask): Promise<SliceResult> {
  return ways[task.settings.by](task);
}
