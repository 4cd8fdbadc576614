import { z } from 'zod';
import { dekdAugment } from '../../augment/schema.ts';
import { fraction, positiveInteger } from '../../config/schema.ts';
import { tokenWeights } from '../fusion/schema.ts';
import { trainingFields } from '../training/schema.ts';

const { warmupShare, warmup, floor, clip, averaging, augment } = trainingFields;

/**
 * How the sub-models of a fleet and their fusion are trained together: fields for the schemas of methods to take up. What has
 * the name of a field of the sub-models' training means the same.
 */
export const ensembleFields = {
  /** frozen: the fusion alone, by `fusion`. joint: all sub-models and a head of the kind `tokens`. */
  train: z.enum(['frozen', 'joint']).default('frozen'),
  duration: trainingFields.duration.unwrap().default({ epochs: 10 }),
  batchSize: positiveInteger.default(32),
  /** Published is 6e-4 for batches of 1024; by the square root of the batch's size that is 1e-4 for 32. */
  learningRate: z.number().positive().default(1e-4),
  warmupShare,
  warmup,
  floor,
  /** Of each sub-model by itself, and of the head. */
  clip,
  /** Decoupled, on matrices. */
  weightDecay: z.number().min(0).default(0.05),
  averaging,
  augment,
  /** Share of the training images that are seen with one sub-model absent: its mean in the place of its features. */
  absence: fraction.default(0.1),
  weights: tokenWeights,
};

const ensembleSchema = z.strictObject(ensembleFields);

/** What `trainEnsemble` takes of the config. */
export type EnsembleSettings = Omit<z.infer<typeof ensembleSchema>, 'train'>;

/** Settings as an empty config has them. */
export const defaultEnsemble: EnsembleSettings = ensembleSchema.parse({});

/** The ensemble's training as published (falcon-xu/DeViT, its README's command on 8 GPUs), in its effective values. */
export const dekdEnsemble: EnsembleSettings = ensembleSchema.parse({
  duration: { epochs: 50 },
  batchSize: 1024,
  learningRate: 6e-4,
  warmup: { epochs: 5, from: 1e-6 },
  floor: 1e-5,
  clip: null,
  // Published as kept, never looked at and never used; here it is what the training gives.
  averaging: { decay: 0.99996, export: 'average' },
  augment: dekdAugment,
  absence: 0,
});
