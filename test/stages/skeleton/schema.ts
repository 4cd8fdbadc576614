import { z } from 'zod';
import { configSchema } from '../../../pipeline/config/schema.ts';
import type { PlanInput } from '../../../pipeline/stages/common/plan-input.ts';

export const skeletonSchema = configSchema.extend({
  method: z.literal('skeleton'),
  parts: z.strictObject({ count: z.int().positive().default(2) }).prefault({}),
});

export type SkeletonConfig = z.infer<typeof skeletonSchema>;
export type SkeletonInput = PlanInput<SkeletonConfig>;
