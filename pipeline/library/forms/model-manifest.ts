import { z } from 'zod';
import { manifestParts } from '../manifest.ts';

/** The contract of a model folder: `composition.json`, version 1, strict like the library's manifest. */
export const modelSchemaVersion = 1;

const { positive, digest, file, architecture, preprocessing, modelScores } = manifestParts;
const points = z.number();

/** What the composition was expected to lose against the teacher, before anyone measured it. */
const predicted = z.strictObject({
  /** The library's `predictor`, or a sum of its descendants' deltas. */
  by: z.enum(['predictor', 'average-sum', 'teacher-sum']),
  /** Top-1 points lost. */
  top1LossPp: points,
  klIncrease: z.number().optional(),
  latencyMs: z.number().min(0).optional(),
});

/** The composition itself, on images. */
const measured = modelScores.extend({
  split: z.enum(['selection', 'test']),
  latencyMs: z.strictObject({ p50: z.number().min(0), p90: z.number().min(0) }).optional(),
});

/** What the composition had to stay below when it was chosen. */
const limits = z.strictObject({
  params: positive.optional(),
  macs: positive.optional(),
  sizeBytes: positive.optional(),
  latencyMs: z.number().positive().optional(),
  top1LossPp: points.optional(),
});

export const modelManifestSchema = z
  .strictObject({
    kind: z.literal('blockforge-model'),
    schemaVersion: z.literal(modelSchemaVersion),
    tool: z.strictObject({ name: z.literal('blockforge'), version: z.string() }),
    /** The library that it was taken from: sha256 of its manifest.json. */
    library: z.strictObject({ manifestSha256: digest }),
    /** One per block, in block order. */
    descendants: z.array(z.string()).min(1),
    /** Of the teacher; `hidden` is that of its own blocks. */
    architecture,
    /** Hidden units by block. */
    widths: z.array(positive).min(1),
    preprocessing,
    classNames: z.array(z.string()).nullable(),
    params: positive,
    /** For one image. */
    macs: positive,
    /** Of all weight files. */
    sizeBytes: positive,
    onnx: z.strictObject({ opset: positive, irVersion: positive }),
    limits: limits.optional(),
    predicted: predicted.optional(),
    measured: measured.optional(),
    /** Everything in the folder but this file. */
    files: z.array(file).min(1),
  })
  .refine(
    ({ descendants, widths, architecture: { depth } }) =>
      descendants.length === depth && widths.length === depth,
    { path: ['descendants'], message: 'expected one descendant and one width per block' },
  );

export type ModelManifest = z.infer<typeof modelManifestSchema>;
export type PredictedModel = z.infer<typeof predicted>;
export type MeasuredModel = z.infer<typeof measured>;
export type ModelLimits = z.infer<typeof limits>;
