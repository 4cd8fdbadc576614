import { z } from 'zod';

export const partitionNames = ['random', 'confused-together', 'confused-apart', 'file'] as const;

/** How classes become subsets, one per sub-model; for the schemas of methods to take up. */
export const partitionFields = {
  /**
   * random: seeded, as published. confused-together, confused-apart: classes that the teacher takes for one another share
   * a sub-model, or do not. file: as `file` says.
   */
  by: z.enum(partitionNames).default('random'),
  /** A text file, one subset a line: names of classes, or their numbers, separated by commas or tabs. */
  file: z.string().min(1).optional(),
};

export const partitionSchema = z.strictObject(partitionFields);
export type PartitionConfig = z.infer<typeof partitionSchema>;
