import { z } from 'zod';
import { augmentFields } from '../../augment/schema.ts';
import { duration, fraction, positiveInteger } from '../../config/schema.ts';

const weight = z.number().min(0).default(0);
const decay = z.number().gt(0).lt(1);

/** How a sub-model is trained once it is cut: fields for the schemas of methods to take up. */
export const trainingFields = {
  enabled: z.boolean().default(true),
  /**
   * How long each sub-model trains: passes over its own images, steps, or minutes. Minutes become steps by the rate measured
   * at the start, so the learning rate still falls to zero and an interrupted run goes on to the same weights; but two runs
   * by the minute do not agree to the bit.
   */
  duration: z
    .union([
      z.strictObject({ epochs: duration }),
      z.strictObject({ steps: positiveInteger }),
      z.strictObject({ minutes: duration }),
    ])
    .default({ epochs: 20 }),
  batchSize: positiveInteger.default(32),
  learningRate: z.number().positive().default(2e-4),
  /** Share of the steps in which the rate grows. */
  warmupShare: fraction.default(0.1),
  /** Instead of that share: passes in which the rate grows linearly, and the rate before the first of them. */
  warmup: z
    .strictObject({ epochs: z.number().min(0).max(1e6), from: z.number().min(0).default(0) })
    .nullable()
    .default(null),
  /** The rate that the cosine falls to. */
  floor: z.number().min(0).default(0),
  /** The norm that all gradients together are scaled down to; null: they stay as they are. */
  clip: z.number().positive().nullable().default(1),
  /** Decoupled, on matrices. */
  weightDecay: z.number().min(0).default(0.01),
  /** So many images of a batch at a time, their gradients summed: the same step in less memory. Null: all at once. */
  microBatch: positiveInteger.nullable().default(null),
  /** Images of other classes per epoch, in units of the images that a class of the sub-model has on average. */
  otherFactor: z.number().positive().default(4),
  /** Divides the logits of both in the divergence from the teacher, which is multiplied by its square (Hinton et al. 2015). */
  temperature: z.number().positive().default(2),
  weights: z
    .strictObject({
      /** Of the divergence from the teacher's class probabilities. */
      logits: z.number().min(0).default(1),
      /** Of the cross-entropy to the teacher's likeliest output (Touvron et al. 2021, DeiT). */
      hard: weight,
      /** Of the share of the variance of the teacher's feature that the lifted feature misses. */
      features: z.number().min(0).default(1),
      /** Of the cross-entropy to the labels. */
      labels: weight,
      /**
       * Of the divergence of the relations among tokens in the middle layer, per token: of its queries, keys and values (DeViT).
       * Widths, depths and heads may differ. The teacher is asked while the sub-model learns, which costs a pass through it.
       */
      relations: z.strictObject({ q: weight, k: weight, v: weight }).prefault({}),
    })
    .prefault({}),
  /** Share of every class's images that is held out and chooses the weights that are kept. */
  heldOut: z.number().gt(0).lt(0.5).default(0.1),
  /**
   * Decay per step of a running mean of the weights, looked at beside the weights themselves; null: none. With `export:
   * average` it is what the training gives, however the weights themselves do; a number alone gives the best of both.
   */
  averaging: z
    .union([decay, z.strictObject({ decay, export: z.enum(['best', 'average']).default('best') })])
    .nullable()
    .default(null),
  /**
   * How images are varied. The teacher's word of a mirrored or moved image is that of the plain one; mixed, erased or otherwise changed
   * ones it is asked about while the sub-model learns, which costs a pass through it.
   */
  augment: z.strictObject(augmentFields).prefault({}),
};

/** The fields as one object, all with their defaults. */
export const trainingSchema = z.strictObject(trainingFields);

/** What `trainSubmodel` takes of the config. */
export type TrainingSettings = Omit<z.infer<typeof trainingSchema>, 'enabled'>;

/** Settings as an empty config has them. */
export const defaultTraining: TrainingSettings = trainingSchema.parse({});
