import { z } from 'zod';
import { duration, fraction, positiveInteger } from '../../config/schema.ts';

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
  warmupShare: fraction.default(0.1),
  /** Decoupled, on matrices. */
  weightDecay: z.number().min(0).default(0.01),
  /** Images of other classes per epoch, in units of the images that a class of the sub-model has on average. */
  otherFactor: z.number().positive().default(4),
  /** Divides the logits of both in the divergence from the teacher, which is multiplied by its square (Hinton et al. 2015). */
  temperature: z.number().positive().default(2),
  weights: z
    .strictObject({
      /** Of the divergence from the teacher's class probabilities. */
      logits: z.number().min(0).default(1),
      /** Of the share of the variance of the teacher's feature that the lifted feature misses. */
      features: z.number().min(0).default(1),
      /** Of the cross-entropy to the labels. */
      labels: z.number().min(0).default(0),
    })
    .prefault({}),
  /** Share of every class's images that is held out and chooses the weights that are kept. */
  heldOut: z.number().gt(0).lt(0.5).default(0.1),
  /** Decay per step of a running mean of the weights, looked at beside the weights themselves; null: none. */
  averaging: z.number().gt(0).lt(1).nullable().default(null),
  augment: z
    .strictObject({
      /** Mirrors every other image; of no use where left and right mean something. */
      flip: z.boolean().default(false),
      /** Pixels that an image may move by. The teacher's word stays that on the plain image. */
      cropPadding: z.int().min(0).max(1024).default(0),
    })
    .prefault({}),
};

const trainingSchema = z.strictObject(trainingFields);

/** What `trainSubmodel` takes of the config. */
export type TrainingSettings = Omit<z.infer<typeof trainingSchema>, 'enabled'>;

/** Settings as an empty config has them. */
export const defaultTraining: TrainingSettings = trainingSchema.parse({});
