import { z } from 'zod';
import { familyNames, trainableFamilyNames } from '../model/family/families.ts';
import { geluNames } from '../model/family/family.ts';
import { engineChoices } from '../tensor/installed.ts';
import { operationFields } from './operation.ts';
import { precisionChoices } from '../tensor/recorded/precision.ts';

/**
 * What every run's YAML has, whatever its method, which adds the rest (`MethodSchema`). Every key has its default in a
 * schema, so `{ teacher, data }` is a complete config. Unknown keys are errors (strict objects).
 */
/** Bounded, as every amount is that work or memory grows with: what no machine can do is refused before it is begun. */
export const positiveInteger = z.int().positive().max(1e9);
const amount = z.int().min(0).max(1e9);
/** Epochs or minutes. */
export const duration = z.number().positive().max(1e6);
const side = positiveInteger.max(16_384);
/** Of images in pixels: a number for a square, else [height, width]. */
export const imageSize = z.union([
  side,
  z
    .tuple([side, side])
    .refine(([height, width]) => height !== width, 'a square is one number')
    .readonly(),
]);
export const fraction = z.number().min(0).max(1);

export const architectureSchema = z.strictObject({
  /** Absent is the ViT. */
  family: z
    .string()
    .refine((name) => trainableFamilyNames().includes(name), {
      error: ({ input }) => {
        const isKnown = familyNames().includes(String(input));
        const problem = isKnown ? 'such models are only made of trained ones' : 'not a family of models';
        return `${problem}; known: ${trainableFamilyNames().join(', ')}`;
      },
    })
    .optional(),
  imageSize,
  patchSize: side,
  channels: z.union([z.literal(1), z.literal(3)]).default(3),
  width: positiveInteger.max(100_000),
  depth: positiveInteger.max(1000),
  heads: positiveInteger.max(100_000),
  hidden: positiveInteger.max(1e6),
  classes: positiveInteger.max(1e6),
  layerNormEpsilon: z.number().positive().default(1e-6),
  gelu: z.enum(geluNames).default('exact'),
  /** Of a swin alone, with `window`; `width`, `depth`, `heads` and `hidden` are then the largest of them, and the sum. */
  stages: z
    .array(
      z.strictObject({
        depth: positiveInteger.max(1000),
        width: positiveInteger.max(100_000),
        heads: positiveInteger.max(100_000),
        hidden: positiveInteger.max(1e6),
      }),
    )
    .min(1)
    .max(100)
    .optional(),
  /** Rows and columns of a window, in tokens. */
  window: positiveInteger.max(1000).optional(),
  /** Of a cct alone. `channels`: between its layers. */
  tokenizer: z
    .strictObject({
      layers: positiveInteger.max(16),
      kernel: positiveInteger.max(255),
      channels: positiveInteger.max(100_000).default(64),
    })
    .optional(),
});

const trainSchema = z.strictObject({
  architecture: architectureSchema,
  epochs: positiveInteger.max(1e6).default(20),
  batchSize: positiveInteger.default(128),
  learningRate: z.number().positive().default(1e-3),
  weightDecay: z.number().min(0).default(0.05),
  warmupEpochs: z.number().min(0).max(1e6).default(1),
  labelSmoothing: fraction.default(0.1),
  augment: z
    .strictObject({ flip: z.boolean().default(false), cropPadding: z.int().min(0).max(1000).default(2) })
    .prefault({}),
  /** Share of the training images held out to choose the best epoch. */
  heldOut: z.number().gt(0).lt(0.5).default(0.05),
});

/** What shapes cannot tell about a checkpoint. Overrides config.json and the named architecture. */
export const architectureHints = z.strictObject({
  heads: positiveInteger.optional(),
  layerNormEpsilon: z.number().positive().optional(),
  gelu: z.enum(geluNames).optional(),
  /** What the head reads. mean: of the patches (timm's `global_pool: avg`). */
  pool: z.enum(['class-token', 'mean', 'max', 'class-and-mean', 'attention']).optional(),
  /** Whether the last norm comes after pooling (timm's `fc_norm`), where names do not tell it. */
  normAfterPool: z.boolean().optional(),
  /** Whether blocks have their norms before attention and FFN (pre-norm), which no weight tells; others are not read. */
  normFirst: z.boolean().optional(),
  /** Of a distilled DeiT: the answer of one of its tokens alone. Default: the mean of both heads. */
  reads: z.enum(['class', 'distillation']).optional(),
  /** What stands before the names of the model to read, of several in a file (EMA, teacher and student). */
  prefix: z.string().optional(),
  /** The head's name without `.weight`: a linear layer with nothing but dropout around it. */
  head: z.string().min(1).optional(),
  /** Tensors, or what stands before their names, that the model's answer does not depend on. */
  ignore: z.array(z.string().min(1)).optional(),
  imageSize: imageSize.optional(),
  /** Fields beside the weights that are passed over: you know that the model's answers do not depend on them. */
  ignoreFields: z.array(z.string().min(1)).optional(),
});

/** Which stored tensor is which part, where no table of names knows: canonical name -> stored name without `.weight`, `{i}` for a block's number. */
export const toldNames = z.record(
  z.string(),
  z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(3)]),
);

const teacherSchema = z.strictObject({
  /** A safetensors file or its folder, relative to the config file, or `hf:owner/name[@revision]`. */
  checkpoint: z.string().min(1).optional(),
  /** A name from the architecture table, e.g. `vit_base_patch16_224`. */
  architecture: z.string().min(1).optional(),
  hints: architectureHints.prefault({}),
  names: toldNames.optional(),
  /**
   * What the outputs are called, in their order: names or WordNet ids, one a line of a file (or JSON), or a list. The data's
   * classes are found among them by name. Default: the labels beside the checkpoint.
   */
  labels: z.union([z.string().min(1), z.array(z.string().min(1)).min(2)]).optional(),
  /**
   * none: there is no head, or it is left out: what is kept, and measured, are the features. projection: the head is no classifier but
   * makes the features that are measured, as those of CLIP towers that timm calls classifiers. train: a linear head is fitted to the
   * labels of the calibration images, in closed form; ridge: of standardised features, a share of their variance, or chosen on held-out images.
   */
  head: z
    .union([
      z.enum(['none', 'projection']),
      z.strictObject({
        train: z.literal(true),
        ridge: z.union([z.literal('auto'), z.number().positive()]).default('auto'),
      }),
    ])
    .optional(),
  /** Of features alone: embeddings of the classes' names, a safetensors file with one matrix [classes, F], by which images get their classes. */
  textEmbeddings: z.string().min(1).optional(),
  train: trainSchema.optional(),
});

/** A number for all channels, or a list of one for each. */
const ofChannels = (value: z.ZodNumber) =>
  z
    .union([value, z.array(value).min(1).max(3)])
    .transform((given) => (typeof given === 'number' ? [given] : given));

const preprocessingSchema = z.union([
  z.enum(['auto', 'timm', 'huggingface', 'torchvision', 'imagenet', 'half', 'unit']),
  z.strictObject({
    /** Shortest side after resizing, or [height, width] to cover or to be stretched to; null keeps the image as it is. */
    resize: imageSize.nullable(),
    resizeMode: z.enum(['shortest', 'stretch']).default('shortest'),
    interpolation: z.enum(['bicubic', 'bilinear', 'nearest', 'lanczos', 'box', 'hamming']).default('bicubic'),
    crop: imageSize,
    mean: ofChannels(z.number()),
    std: ofChannels(z.number().positive()),
  }),
]);

const splitPart = {
  /** The part of the data that the images are drawn from. */
  from: z.enum(['train', 'val', 'test', 'all']).optional(),
};
const unseen = {
  /** The teacher was not trained on these images though they lie in the training part: nothing warns of it then. */
  unseen: z.boolean().optional(),
};

/** Of images that are drawn when they are asked for. */
const drawnSchema = z.strictObject({
  images: positiveInteger.default(6000),
  size: positiveInteger.max(4096).default(32),
  noise: fraction.default(0.08),
});

const dataSchema = z.strictObject({
  source: z.enum(['folder', 'idx', 'cifar10', 'cifar100', 'shapes', 'products']),
  /** Folder of the data, relative to the config file; `${NAME}` and `${NAME:-default}` read the environment. */
  path: z.string().min(1).optional(),
  /** Only for `folder`: links may lead out of `path`. */
  followLinks: z.boolean().default(false),
  preprocessing: preprocessingSchema.prefault('auto'),
  /**
   * Which class is which output of the teacher, whatever its labels say: folders sorted by code units or naturally (as timm
   * does), the data's own numbers, or a list of the data's classes, here or in `classFile`. Default: by the labels where
   * there are any, else by code units.
   */
  classOrder: z
    .union([z.enum(['code-unit', 'natural', 'numbers', 'file']), z.array(z.string().min(1)).min(2)])
    .optional(),
  /** The data's classes in the order of the teacher's outputs, one a line. */
  classFile: z.string().min(1).optional(),
  /** The classes to use, a file with one a line or a list. Default: all that the data has. */
  classes: z.union([z.string().min(1), z.array(z.string().min(1)).min(2)]).optional(),
  /** Images of each split, or `{ images, from }`; the default of `from`: docs/inputs.md, Splits. */
  splits: z
    .strictObject({
      calibration: z
        .union([positiveInteger, z.strictObject({ images: positiveInteger, ...splitPart })])
        .default(2048),
      selection: z
        .union([positiveInteger, z.strictObject({ images: positiveInteger, ...splitPart, ...unseen })])
        .default(1000),
      test: z.union([amount, z.strictObject({ images: amount, ...splitPart, ...unseen })]).default(1000),
    })
    .prefault({}),
  /** Share of unreadable images that is skipped with a warning; above it the run stops. */
  maxCorruptShare: fraction.default(0.01),
  /** Bound of the decoded-image cache on disk. */
  cacheBytes: z.int().positive().default(20e9),
  /** Only for `shapes`: textured figures. */
  shapes: drawnSchema.prefault({}),
  /** Only for `products`: four digits; the class is the last digit of the product of the two bright ones. */
  products: drawnSchema.prefault({}),
});

/** Of `measure`: what every method measures with. */
export const measureFields = {
  batchSize: positiveInteger.default(50),
  /** Two-sided confidence of every interval. */
  confidence: z.number().gt(0.5).lt(1).default(0.95),
};

export const configSchema = z.strictObject({
  /** Which way the teacher is compressed; decides which other keys there are. */
  method: z.string().default('blocks'),
  /** Names the run folder `runs/<name>`. Default: the config's file name. */
  name: z
    .string()
    .regex(/^[\w.-]+$/, 'expected letters, digits, ".", "_" and "-" only')
    .optional(),
  seed: z.int().min(0).default(1),
  engine: z.enum(engineChoices).default('auto'),
  /**
   * Of the matrix products of distillation steps; weights, sums and every number that is reported are float32. auto: bfloat16 where the
   * processor has it, it proves faster and the refit's error is large enough to hide its rounding. On CUDA, float32 also means no TF32.
   */
  precision: z.enum(precisionChoices).default('auto'),
  teacher: teacherSchema,
  data: dataSchema,
  measure: z.strictObject(measureFields).prefault({}),
  ...operationFields,
});

export type Config = z.infer<typeof configSchema>;
export type PreprocessingSetting = Config['data']['preprocessing'];
export type TrainSettings = z.infer<typeof trainSchema>;
