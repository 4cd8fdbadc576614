import { z } from 'zod';
import { criterionNames } from '../compress/order/criterion-names.ts';
import { duration, fraction, positiveInteger } from '../config/schema.ts';

/**
 * How long distillation takes: epochs of the calibration images or steps, or wall-clock minutes of every job. Minutes become
 * steps by the rate measured when a job starts, so the learning rate still decays to zero and an interrupted run goes on to
 * the same weights; but two runs by the minute do not agree to the bit.
 */
const distillDuration = z.union([
  z.strictObject({ epochs: duration }),
  z.strictObject({ steps: positiveInteger }),
  z.strictObject({ minutes: duration }),
]);

/** Of `statistics`: what is asked of the calibration images. */
export const statisticsFields = {
  batchSize: positiveInteger.default(32),
  /** Tokens per calibration image that order and refit look at; null: all of them. */
  tokensPerImage: positiveInteger.nullable().default(64),
  /**
   * How much a token counts in order and refit. gradient: half by the class token's share of the
   * teacher's squared gradient, block by block; uniform: all the same.
   */
  tokenWeights: z.enum(['gradient', 'uniform']).default('gradient'),
  /** Share of the calibration images whose tokens are held out to check refit and distillation. */
  heldOut: z.number().gt(0).lt(0.5).default(0.1),
};

/** What a config says of a recipe (`recipeOf`), for the schemas of methods to take up. */
export const recipeFields = {
  statistics: z.strictObject(statisticsFields).prefault({}),
  order: z
    .strictObject({
      criterion: z.enum(criterionNames).default('reconstruction'),
      /** Ridge as a share of the mean diagonal of the covariance, or a rule that finds one for every width of the refit. */
      ridge: z.union([z.number().positive(), z.literal('oracle-shrinkage')]).default(1e-4),
    })
    .prefault({}),
  /** What descendants are fitted to and trained on. */
  inputs: z
    .strictObject({
      /**
       * composed: half on the teacher's activations and half on those of a model compressed so far, where the target is
       * what brings its residual stream back to the teacher's. teacher: on the teacher's alone.
       */
      from: z.enum(['composed', 'teacher']).default('composed'),
      /** Share of the compressed model's activations. */
      composedShare: z.number().gt(0).max(1).default(0.5),
      /** Most calibration images that refit and distillation use; null: all of them. */
      images: positiveInteger.nullable().default(null),
      /**
       * Most gigabytes of residual streams that a job of the refit keeps on disk: 2 bytes x tokens x D for each of an
       * image and a width, and for the teacher. Images whose streams do not fit are run through the model anew for every block.
       */
      diskGB: z.number().positive().default(50),
    })
    .prefault({}),
  refit: z
    .strictObject({
      method: z.enum(['affine', 'mean-shift', 'none']).default('affine'),
    })
    .prefault({}),
  distill: z
    .strictObject({
      enabled: z.boolean().default(true),
      duration: distillDuration.default({ epochs: 10 }),
      /** Images of a step. */
      batchSize: positiveInteger.default(32),
      optimizer: z.enum(['adamw', 'adam']).default('adamw'),
      learningRate: z.number().positive().default(3e-4),
      schedule: z.enum(['cosine', 'constant']).default('cosine'),
      warmupShare: fraction.default(0.05),
      weightDecay: z.number().min(0).default(0),
      /** Of a block's squared error: over the energy of the teacher's stream, or its plain mean over tokens and outputs. */
      loss: z.enum(['normalised-mse', 'mse']).default('normalised-mse'),
      /**
       * How much of the gradient of a block's error reaches the block before it, and so on by powers: a block answers for its
       * own error and, fading, for what comes of it later. 0: for its own alone; 1: for all.
       */
      lookahead: fraction.default(0.5),
      /** Weight of KL(teacher || student) of the logits, beside the sum of the blocks' errors. */
      klWeight: z.number().min(0).default(1),
      /**
       * Ends a training once the last `patience` of its 10 looks at held-out images lowered no width's KL by the share
       * `minimumGain`; the learning rate then falls to zero within a fifth of the steps made. Off by default: under a
       * cosine most of the gain comes at the end of the decay.
       */
      earlyStop: z
        .strictObject({
          patience: positiveInteger.max(9).default(3),
          minimumGain: z.number().min(0).lt(1).default(0.005),
        })
        .nullable()
        .default(null),
    })
    .prefault({}),
};

export const recipeSchema = z.strictObject({ seed: z.int().min(0).default(1), ...recipeFields });
export type RecipeConfig = z.infer<typeof recipeSchema>;
