import { z } from 'zod';
import { criterionNames } from '../compress/order/criterion-names.ts';
import { duration, fraction, positiveInteger } from '../config/schema.ts';

/**
 * How long distillation takes: epochs or steps of each block, or wall-clock minutes of all blocks together, an equal share
 * for each. Minutes become steps by the rate measured when a block starts, so the learning rate still decays to zero and
 * an interrupted run goes on to the same weights; but two runs by the minute do not agree to the bit.
 */
const distillDuration = z.union([
  z.strictObject({ epochs: duration }),
  z.strictObject({ steps: positiveInteger }),
  z.strictObject({ minutes: duration }),
]);

/** Of `statistics`: what is asked of the calibration images. */
export const statisticsFields = {
  batchSize: positiveInteger.default(32),
  /** Tokens per calibration image kept for distillation; null keeps all of them. */
  tokensPerImage: positiveInteger.nullable().default(64),
  /**
   * How much a token counts in order, refit and distillation. gradient: half by the class token's share of the
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
       * composed: block after block, half on the teacher's activations and half on those of a model compressed so far,
       * where the target is what brings its residual stream back to the teacher's. teacher: on the teacher's alone; then
       * all blocks are independent jobs.
       */
      from: z.enum(['composed', 'teacher']).default('composed'),
      /** Share of the compressed model's activations. */
      composedShare: z.number().gt(0).max(1).default(0.5),
      /** Most calibration images whose residual streams are kept, at every width (4 bytes x tokens x D each). */
      images: positiveInteger.default(1024),
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
      batchTokens: positiveInteger.default(4096),
      optimizer: z.enum(['adamw', 'adam']).default('adamw'),
      learningRate: z.number().positive().default(1e-3),
      schedule: z.enum(['cosine', 'constant']).default('cosine'),
      warmupShare: fraction.default(0.05),
      weightDecay: z.number().min(0).default(0),
      loss: z.enum(['normalised-mse', 'mse']).default('normalised-mse'),
      /**
       * Ends a block once the last `patience` of its 10 looks at held-out tokens lowered no descendant's error by the share
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
