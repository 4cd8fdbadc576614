import { z } from 'zod';
import {
  architectureHints,
  toldNames,
  architectureSchema,
  configSchema,
  duration,
  positiveInteger,
} from '../../config/schema.ts';
import { ensembleFields } from '../../submodels/ensemble/schema.ts';
import { fusionKinds } from '../../submodels/fusion/fusion-head.ts';
import { fusionFields } from '../../submodels/fusion/schema.ts';
import { trainingFields } from '../../submodels/training/schema.ts';
import type { PlanInput } from '../common/plan-input.ts';
import { fleetsFields, fleetsPaths } from '../fleets/schema.ts';

const weight = (value: number) => z.number().min(0).default(value);

/** DEKD with defaults of our own, for few passes over sub-models cut out of the teacher; the presets state the published values. */
const trainSchema = z.strictObject({
  ...trainingFields,
  weights: z
    .strictObject({
      logits: weight(1),
      hard: weight(0),
      features: weight(1),
      labels: weight(0),
      relations: z.strictObject({ q: weight(0.33), k: weight(0.17), v: weight(0.5) }).prefault({}),
    })
    .prefault({}),
});

const { batchSize, warmup, warmupShare, floor, clip, weightDecay, microBatch, otherFactor } = trainingFields;

/** How the teacher of a subset is fine-tuned: by the labels alone. */
const teachSchema = z.strictObject({
  duration: z
    .union([
      z.strictObject({ epochs: duration }),
      z.strictObject({ steps: positiveInteger }),
      z.strictObject({ minutes: duration }),
    ])
    .default({ epochs: 3 }),
  learningRate: z.number().positive().default(5e-5),
  batchSize,
  warmup,
  warmupShare,
  floor,
  clip,
  weightDecay,
  microBatch,
  otherFactor,
  averaging: trainingFields.averaging,
  augment: trainingFields.augment,
});

const studentSchema = z.union([
  /** Cut out of the teacher, or out of the sub-model's own teacher. */
  z.literal('teacher'),
  /** Another pretrained model, read as the teacher's checkpoint is; dearer than the limits, it is cut. */
  z.strictObject({
    /** A safetensors file or its folder, relative to the config file, or `hf:owner/name[@revision]`. */
    checkpoint: z.string().min(1),
    /** A name from the architecture table. */
    architecture: z.string().min(1).optional(),
    hints: architectureHints.prefault({}),
    names: toldNames.optional(),
  }),
  /** From weights drawn at random; images and classes are the data's. */
  z.strictObject({
    architecture: architectureSchema.omit({ imageSize: true, channels: true, classes: true }).extend({
      /** Default: the teacher's. */
      patchSize: architectureSchema.shape.patchSize.optional(),
    }),
  }),
]);

/** The config of the method `devit`. */
export const devitSchema = configSchema.extend({
  method: z.literal('devit'),
  ...fleetsFields,
  /** What teaches a sub-model: the teacher, its answers restricted to the subset, or a copy of it that was fine-tuned on the subset. */
  subteachers: z.enum(['restricted', 'fine-tuned']).default('restricted'),
  teach: teachSchema.prefault({}),
  /** What sub-models start from: one for all, or one for each in their order. */
  students: z.array(studentSchema).min(1).max(1000).default(['teacher']),
  train: trainSchema.prefault({}),
  /** How sub-models and the fusion are trained together. */
  ensemble: z
    .strictObject({ ...ensembleFields, train: z.enum(['frozen', 'joint']).default('joint') })
    .prefault({}),
  fusion: z
    .strictObject({
      ...fusionFields,
      heads: z.array(z.enum(fusionKinds)).min(1).max(3).default(['ridge', 'tokens']),
    })
    .prefault({}),
  /** What the report takes a multiply-add and a byte on the wire for, in joules: a model, nothing is measured. */
  energy: z
    .strictObject({
      /** Published: 204.3 mJ for 1.48 G multiply-adds on each of four Jetson Nano. A device's `energyPerMacJ` goes before it. */
      perMacJ: z.number().min(0).max(1).default(1.4e-10),
      /** Ours: a port of one watt at a gigabit a second. */
      perByteJ: z.number().min(0).max(1).default(8e-9),
    })
    .prefault({}),
});

export type DevitConfig = z.infer<typeof devitSchema>;
export type DevitInput = PlanInput<DevitConfig>;
export type StudentConfig = DevitConfig['students'][number];

export const devitPaths = [...fleetsPaths, 'students[].checkpoint'];
