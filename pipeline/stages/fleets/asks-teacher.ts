import type { FleetsConfig } from './schema.ts';

/**
 * Whether sub-models learn from what the teacher says of the very pixels that they see, so that it is in memory beside them:
 * relations are compared layer by layer. Otherwise what it said once of every image does.
 */
export function asksTeacher({ enabled, weights }: FleetsConfig['train']): boolean {
  const { q, k, v } = weights.relations;
  return enabled && q + k + v > 0;
}
