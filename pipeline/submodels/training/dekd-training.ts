import { dekdAugment } from '../../augment/schema.ts';
import { trainingSchema, type TrainingSettings } from './schema.ts';

/** What the published trainings share (falcon-xu/DeViT, its README's commands on 8 GPUs): rates are those in effect at this batch. */
const published = {
  duration: { epochs: 100 },
  batchSize: 2048,
  weightDecay: 0,
  warmup: { epochs: 5, from: 1e-6 },
  floor: 1e-5,
  // Published as kept, never looked at and never used; here it is what the training gives.
  averaging: { decay: 0.99996, export: 'average' },
  augment: dekdAugment,
} as const;

/**
 * Sub-task distillation (DEKD) as published, in its effective values: relations are weighted per token, where the published code sums over
 * 198 tokens and divides by 12 layers (0.2, 0.1 and 0.3 there).
 */
export const dekdTraining: TrainingSettings = trainingSchema.parse({
  ...published,
  learningRate: 3.2e-4,
  clip: 1,
  weights: { logits: 0, features: 0, labels: 0.5, hard: 0.5, relations: { q: 3.3, k: 1.65, v: 4.95 } },
});

/** Fine-tuning of a sub-task teacher as published. */
export const dekdTeacherTraining: TrainingSettings = trainingSchema.parse({
  ...published,
  learningRate: 4e-4,
  clip: null,
  weights: { logits: 0, features: 0, labels: 1 },
});
