import { z } from 'zod';
import { configSchema } from '../../config/schema.ts';
import type { PlanInput } from '../common/plan-input.ts';
import { fleetsFields } from '../fleets/schema.ts';

/** The config of the method `ed-vit`. */
export const edVitSchema = configSchema.extend({ method: z.literal('ed-vit'), ...fleetsFields });

export type EdVitConfig = z.infer<typeof edVitSchema>;
export type EdVitInput = PlanInput<EdVitConfig>;
