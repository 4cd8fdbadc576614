import { z } from 'zod';
import { splitImages } from '../../../datasets/split-sources.ts';
import type { Contradiction } from '../../config/check.ts';
import { configSchema, fraction, measureFields, positiveInteger } from '../../config/schema.ts';
import type { PlanInput } from '../common/plan-input.ts';
import { recipeFields, statisticsFields } from '../../recipe/schema.ts';

/** The config of the method `blocks`. */
export const blocksSchema = configSchema.extend({
  method: z.literal('blocks').default('blocks'),
  ...recipeFields,
  statistics: z
    .strictObject({
      ...statisticsFields,
      /**
       * Jobs that the calibration images are divided among; null: one per 2,048 images. More jobs than one differ from one
       * in the last digits.
       */
      shards: positiveInteger.max(1000).nullable().default(null),
    })
    .prefault({}),
  descendants: z
    .strictObject({
      /** Shares of hidden units removed; 0, the teacher's own block, is always in the library. */
      sparsities: z.array(z.number().gt(0).lt(1)).min(1).max(100).default([0.4, 0.5, 0.6, 0.7]),
      /** Widths are rounded to a multiple of this. */
      widthMultiple: positiveInteger.default(8),
      /**
       * Jobs that the widths are divided among, in refit and distillation alike; null: one, or as many as keep the streams of
       * one within `inputs.diskGB`. More than there are widths: a job for each.
       */
      shards: positiveInteger.max(1000).nullable().default(null),
    })
    .prefault({}),
  measure: z
    .strictObject({
      ...measureFields,
      /** Jobs that the selection images are divided among; null: one per 2,048 images. */
      shards: positiveInteger.max(1000).nullable().default(null),
      /** What the other blocks are while a descendant is measured. `teacher` is always measured, listed or not. */
      contexts: z
        .array(z.enum(['teacher', 'middle', 'sparsest']))
        .min(1)
        .default(['teacher', 'middle', 'sparsest']),
      /** Compositions that are measured whole to predict others from single blocks, half of them random, half chosen; 0 for none. */
      compositions: z.int().min(0).max(100_000).default(32),
      latency: z
        .strictObject({
          batchSize: positiveInteger.default(1),
          warmup: positiveInteger.max(1e6).default(10),
          iterations: positiveInteger.max(1e6).default(50),
        })
        .prefault({}),
    })
    .prefault({}),
  /** Short end-to-end distillation of whole models, after all; the library stays as it is. */
  polish: z
    .strictObject({
      /** Uniform models to polish, of `descendants.sparsities`; none by default. */
      sparsities: z.array(z.number().gt(0).lt(1)).max(100).default([]),
      steps: positiveInteger.default(300),
      /** Images of a step. */
      batchSize: positiveInteger.default(32),
      learningRate: z.number().positive().default(1e-4),
      warmupShare: fraction.default(0.05),
      weightDecay: z.number().min(0).default(0),
      /** Weight of 1 - cosine of the class token after the final norm, beside KL(teacher || model). */
      hiddenWeight: z.number().min(0).default(1),
    })
    .prefault({}),
  rank: z
    .strictObject({
      /** The resource that one point of accuracy is weighed against. */
      resource: z.enum(['params', 'macs', 'latency']).default('params'),
    })
    .prefault({}),
  export: z
    .strictObject({
      /** What the library is written as besides safetensors, which it always is; the weights are stored once for all. */
      forms: z.array(z.enum(['onnx'])).default(['onnx']),
    })
    .prefault({}),
  report: z
    .strictObject({
      /**
       * Test images shown of either kind: what the recommended model has wrong and the teacher right, and the reverse. 0: the
       * report holds no image of the data.
       */
      examples: z.int().min(0).max(100).default(12),
    })
    .prefault({}),
});

export type BlocksConfig = z.infer<typeof blocksSchema>;
export type BlocksInput = PlanInput<BlocksConfig>;

/** Settings of the method that contradict or need each other. */
export function checkBlocks(config: BlocksConfig): Contradiction[] {
  return [...checkSparsities(config), ...checkImages(config), ...checkShards(config)];
}

function checkSparsities({ descendants: { sparsities } }: BlocksConfig): Contradiction[] {
  return sparsities.flatMap((sparsity, i) => {
    if (i === 0 || sparsity > sparsities[i - 1]!) return [];
    const message =
      sparsity === sparsities[i - 1]
        ? `${sparsity} stands twice`
        : `${sparsity} after ${sparsities[i - 1]}; write them in ascending order`;
    return [{ path: ['descendants', 'sparsities', i], message }];
  });
}

/** One to fit to and one to check with are the fewest that anything can be said of; many more are wanted. */
function checkImages({ data, inputs }: BlocksConfig): Contradiction[] {
  const message = 'needs 2 images at least (one of them is held out), and hundreds for a model worth having';
  return [
    { path: ['data', 'splits', 'calibration'], images: splitImages(data.splits).calibration },
    { path: ['inputs', 'images'], images: inputs.images },
  ].flatMap(({ path, images }) => (images === null || images >= 2 ? [] : [{ path, message }]));
}

/** A job without an image has nothing to measure. */
function checkShards({ data, statistics, measure }: BlocksConfig): Contradiction[] {
  const { calibration, selection } = splitImages(data.splits);
  return [
    { key: 'statistics', shards: statistics.shards, images: calibration },
    { key: 'measure', shards: measure.shards, images: selection },
  ].flatMap(({ key, shards, images }) =>
    shards === null || shards <= images
      ? []
      : [{ path: [key, 'shards'], message: `divides ${images} images among ${shards} jobs` }],
  );
}
