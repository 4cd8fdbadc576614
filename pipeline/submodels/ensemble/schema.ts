import { z } from 'zod';
import { duration, fraction, positiveInteger } from '../../config/schema.ts';
import { tokenWeights } from '../fusion/schema.ts';

/** How the sub-models of a fleet and their fusion are trained together: fields for the schemas of methods to take up. */
export const ensembleFields = {
  /** frozen: the fusion alone, by `fusion`. joint: all sub-models and a head of the kind `tokens`. */
  train: z.enum(['frozen', 'joint']).default('frozen'),
  /** As that of the training of sub-models. */
  duration: z
    .union([
      z.strictObject({ epochs: duration }),
      z.strictObject({ steps: positiveInteger }),
      z.strictObject({ minutes: duration }),
    ])
    .default({ epochs: 10 }),
  batchSize: positiveInteger.default(32),
  /** Published is 6e-4 for batches of 1024; by the square root of the batch's size that is 1e-4 for 32. */
  learningRate: z.number().positive().default(1e-4),
  warmupShare: fraction.default(0.1),
  /** What the cosine falls to, as a share of the rate. */
  floor: fraction.default(0),
  /** Decoupled, on matrices. */
  weightDecay: z.number().min(0).default(0.05),
  /** Norm that the gradient of each sub-model, and of the head, is scaled down to; null: none, as published. */
  clip: z.number().positive().nullable().default(1),
  /** Decay per step of a running mean of all weights, looked at beside the weights themselves, and exported where it is better; null: none. */
  averaging: z.number().gt(0).lt(1).nullable().default(null),
  /** Share of the training images that are seen with one sub-model absent: its mean in the place of its features. */
  absence: fraction.default(0.1),
  weights: tokenWeights,
};

const ensembleSchema = z.strictObject(ensembleFields);

/** What `trainEnsemble` takes of the config. */
export type EnsembleSettings = Omit<z.infer<typeof ensembleSchema>, 'train'>;

/** Settings as an empty config has them. */
export const defaultEnsemble: EnsembleSettings = ensembleSchema.parse({});
