import { z } from 'zod';
import { criterionNames } from './criterion-names.ts';
import { engineChoices } from '../tensor/installed.ts';

/**
 * The one schema of a run's YAML. Every key has its default here, so `{ teacher, data }` is a complete config;
 * `z.toJSONSchema(configSchema)` gives editors completion. Unknown keys are errors (strict objects).
 */
const positiveInteger = z.int().positive();
const fraction = z.number().min(0).max(1);

/**
 * How long distillation takes: epochs or steps of each block, or wall-clock minutes of all blocks together, an equal share
 * for each. Minutes become steps by the rate measured when a block starts, so the learning rate still decays to zero and
 * an interrupted run goes on to the same weights; but two runs by the minute do not agree to the bit.
 */
const duration = z.union([
  z.strictObject({ epochs: z.number().positive() }),
  z.strictObject({ steps: positiveInteger }),
  z.strictObject({ minutes: z.number().positive() }),
]);

const architectureSchema = z.strictObject({
  imageSize: positiveInteger,
  patchSize: positiveInteger,
  channels: z.union([z.literal(1), z.literal(3)]).default(3),
  width: positiveInteger,
  depth: positiveInteger,
  heads: positiveInteger,
  hidden: positiveInteger,
  classes: positiveInteger,
  layerNormEpsilon: z.number().positive().default(1e-6),
  gelu: z.enum(['exact', 'tanh']).default('exact'),
});

const trainSchema = z.strictObject({
  architecture: architectureSchema,
  epochs: positiveInteger.default(20),
  batchSize: positiveInteger.default(128),
  learningRate: z.number().positive().default(1e-3),
  weightDecay: z.number().min(0).default(0.05),
  warmupEpochs: z.number().min(0).default(1),
  labelSmoothing: fraction.default(0.1),
  augment: z
    .strictObject({ flip: z.boolean().default(false), cropPadding: z.int().min(0).default(2) })
    .prefault({}),
  /** Share of the training images held out to choose the best epoch. */
  heldOut: z.number().gt(0).lt(0.5).default(0.05),
});

/** What shapes cannot tell about a checkpoint. Overrides config.json and the named architecture. */
const architectureHints = z.strictObject({
  heads: positiveInteger.optional(),
  layerNormEpsilon: z.number().positive().optional(),
  gelu: z.enum(['exact', 'tanh']).optional(),
  imageSize: positiveInteger.optional(),
});

const teacherSchema = z.strictObject({
  /** A safetensors file or its folder, relative to the config file, or `hf:owner/name[@revision]`. */
  checkpoint: z.string().min(1).optional(),
  /** A name from the architecture table, e.g. `vit_base_patch16_224`. */
  architecture: z.string().min(1).optional(),
  hints: architectureHints.prefault({}),
  train: trainSchema.optional(),
});

const preprocessingSchema = z.union([
  z.enum(['auto', 'timm', 'huggingface', 'torchvision', 'imagenet', 'half', 'unit']),
  z.strictObject({
    /** Shortest side after resizing; null keeps the image as it is. */
    resize: positiveInteger.nullable(),
    resizeMode: z.enum(['shortest', 'stretch']).default('shortest'),
    interpolation: z.enum(['bicubic', 'bilinear', 'nearest', 'lanczos']).default('bicubic'),
    crop: positiveInteger,
    mean: z.array(z.number()).min(1).max(3),
    std: z.array(z.number().positive()).min(1).max(3),
  }),
]);

const dataSchema = z.strictObject({
  source: z.enum(['folder', 'idx', 'cifar10', 'cifar100', 'shapes']),
  /** Folder of the data, relative to the config file; `${NAME}` and `${NAME:-default}` read the environment. */
  path: z.string().min(1).optional(),
  preprocessing: preprocessingSchema.default('auto'),
  splits: z
    .strictObject({
      calibration: positiveInteger.default(2048),
      selection: positiveInteger.default(1000),
      test: z.int().min(0).default(1000),
    })
    .prefault({}),
  /** Share of unreadable images that is skipped with a warning; above it the run stops. */
  maxCorruptShare: fraction.default(0.01),
  /** Bound of the decoded-image cache on disk. */
  cacheBytes: positiveInteger.default(20e9),
  /** Only for `shapes`. */
  shapes: z
    .strictObject({
      images: positiveInteger.default(6000),
      size: positiveInteger.default(32),
      noise: fraction.default(0.08),
    })
    .prefault({}),
});

export const configSchema = z.strictObject({
  /** Names the run folder `runs/<name>`. Default: the config's file name. */
  name: z
    .string()
    .regex(/^[\w.-]+$/, 'expected letters, digits, ".", "_" and "-" only')
    .optional(),
  seed: z.int().min(0).default(1),
  engine: z.enum(engineChoices).default('auto'),
  teacher: teacherSchema,
  data: dataSchema,
  statistics: z
    .strictObject({
      batchSize: positiveInteger.default(32),
      /**
       * Jobs that the calibration images are divided among; null: one per 2,048 images. More jobs than one differ from one
       * in the last digits.
       */
      shards: positiveInteger.nullable().default(null),
      /** Tokens per calibration image kept for distillation; null keeps all of them. */
      tokensPerImage: positiveInteger.nullable().default(64),
      /**
       * How much a token counts in order, refit and distillation. gradient: half by the class token's share of the
       * teacher's squared gradient, block by block; uniform: all the same.
       */
      tokenWeights: z.enum(['gradient', 'uniform']).default('gradient'),
      /** Share of the calibration images whose tokens are held out to check refit and distillation. */
      heldOut: z.number().gt(0).lt(0.5).default(0.1),
    })
    .prefault({}),
  order: z
    .strictObject({
      criterion: z.enum(criterionNames).default('reconstruction'),
      /** Ridge as a share of the mean diagonal of the covariance. */
      ridge: z.number().positive().default(1e-4),
    })
    .prefault({}),
  descendants: z
    .strictObject({
      /** Shares of hidden units removed; 0, the teacher's own block, is always in the library. */
      sparsities: z.array(z.number().gt(0).lt(1)).min(1).default([0.4, 0.5, 0.6, 0.7]),
      /** Widths are rounded to a multiple of this. */
      widthMultiple: positiveInteger.default(8),
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
      duration: duration.default({ epochs: 10 }),
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
  measure: z
    .strictObject({
      batchSize: positiveInteger.default(50),
      /** Jobs that the selection images are divided among; null: one per 2,048 images. */
      shards: positiveInteger.nullable().default(null),
      /** Two-sided confidence of every interval. */
      confidence: z.number().gt(0.5).lt(1).default(0.95),
      /** What the other blocks are while a descendant is measured. `teacher` is always measured, listed or not. */
      contexts: z
        .array(z.enum(['teacher', 'middle', 'sparsest']))
        .min(1)
        .default(['teacher', 'middle', 'sparsest']),
      /** Random compositions that are measured to see how well deltas predict them; 0 for none. */
      compositions: z.int().min(0).default(32),
      latency: z
        .strictObject({
          batchSize: positiveInteger.default(1),
          warmup: positiveInteger.default(10),
          iterations: positiveInteger.default(50),
        })
        .prefault({}),
    })
    .prefault({}),
  /** Short end-to-end distillation of whole models, after all; local-only results stay as they are. */
  polish: z
    .strictObject({
      /** Uniform models to polish, of `descendants.sparsities`; none by default. */
      sparsities: z.array(z.number().gt(0).lt(1)).default([]),
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
});

export type Config = z.infer<typeof configSchema>;
export type PreprocessingSetting = Config['data']['preprocessing'];
export type TrainSettings = z.infer<typeof trainSchema>;
