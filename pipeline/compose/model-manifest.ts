import { z } from 'zod';
import { blockName, ffnExtents, hiddenUnits, widthName } from '../model/architecture.ts';
import { modelCosts } from '../model/costs.ts';
import { measureKinds } from '../measure/measure-names.ts';
import type { DocumentKind } from '../library/document.ts';
import {
  digest,
  ffnBytes,
  file,
  hasSizes,
  headerAllowanceBytes,
  modelScores,
  positive,
  preprocessing,
  share,
  teacherArchitecture,
} from '../library/manifest-parts.ts';

/** The contract of a model folder: `composition.json`, version 1, strict like the library's manifest. */
export const modelSchemaVersion = 1;

/** Its weight files, by the widths of its blocks: the frame's, and one for each block. */
export function weightPaths(widths: readonly number[]): {
  readonly frame: string;
  readonly blocks: string[];
} {
  return {
    frame: 'weights/frame.safetensors',
    blocks: widths.map((width, block) => `weights/${blockName(block)}-${widthName(width)}.safetensors`),
  };
}

/** The other files that every model has. */
export const graphPaths = {
  onnx: 'model.onnx',
  tfjs: 'model.json',
  tfjsConstants: 'weights/tfjs-constants.bin',
  index: 'model.safetensors.index.json',
} as const;

/** Of a model that answers with features, where its library has one. */
export const answerIndexPath = 'index.safetensors';

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

const divergence = z.strictObject({ kl: z.number(), agreementPercent: z.number().min(0).max(100) });

/** What became of the blocks when they were fitted again for this composition (`refit-composition.ts`). */
const refitted = z.strictObject({
  /** Blocks with an fc2 of their own here; none where the library's weights were nearer to the teacher. */
  descendants: z.array(z.string()),
  /** `calibration`: the images of the library's run; `folder`: others. `sha256` of their ids and contents. */
  images: z.strictObject({
    from: z.enum(['calibration', 'folder']),
    training: positive,
    heldOut: positive,
    sha256: digest,
  }),
  /** Share of the model's own inputs among those fitted to; the rest are the teacher's. */
  ownShare: share,
  tokensPerImage: positive.nullable(),
  /** On the held-out images: KL(teacher || model) and the share of equal answers, with the library's weights and with these. */
  before: divergence,
  after: divergence,
});

/** What the composition had to stay below when it was chosen. */
const limits = z.strictObject({
  params: positive.optional(),
  macs: positive.optional(),
  sizeBytes: positive.optional(),
  latencyMs: z.number().positive().optional(),
  top1LossPp: points.optional(),
});

const modelShape = z.strictObject({
  kind: z.literal('blockforge-model'),
  schemaVersion: z.literal(modelSchemaVersion),
  tool: z.strictObject({ name: z.literal('blockforge'), version: z.string() }),
  /** The library that it was taken from: sha256 of its manifest.json. */
  library: z.strictObject({ manifestSha256: digest }),
  /** One per block, in block order. */
  descendants: z.array(z.string()).min(1),
  /** The teacher's: `hidden` is the width of its blocks, not of this model's. */
  architecture: teacherArchitecture,
  /** Hidden units by block. */
  widths: z.array(positive).min(1),
  preprocessing,
  classNames: z.array(z.string()).nullable(),
  params: positive,
  /** Multiply-adds for one image. */
  macs: positive,
  /** The weight files together. */
  sizeBytes: positive,
  onnx: z.strictObject({ opset: positive, irVersion: positive }),
  /** What every top-1 and kl here stands for, as `teacher.measure` of the library; absent of classifiers. */
  measure: z.enum(measureKinds).exclude(['classes']).optional(),
  /** What features are given their classes by, as `teacher.measure` of the library says; models of older versions have none. */
  index: z
    .strictObject({
      path: z.literal(answerIndexPath),
      neighbours: positive.optional(),
      temperature: z.number().positive().optional(),
    })
    .optional(),
  limits: limits.optional(),
  predicted: predicted.optional(),
  measured: measured.optional(),
  refitted: refitted.optional(),
  /** Everything in the folder but this file. */
  files: z.array(file).min(1),
});

export const modelManifestSchema = modelShape.superRefine(checkReferences);

export type ModelManifest = z.infer<typeof modelManifestSchema>;
export type PredictedModel = z.infer<typeof predicted>;
export type MeasuredModel = z.infer<typeof measured>;
export type ModelLimits = z.infer<typeof limits>;
export type RefittedModel = z.infer<typeof refitted>;

/** `composition.json` as it is read: see `inspectDocument`. */
export const modelKind: DocumentKind<ModelManifest> = {
  kind: 'blockforge-model',
  title: 'model manifest',
  version: modelSchemaVersion,
  schema: modelManifestSchema,
  next: 'copy the model folder again, or compose it again from its library',
  reason: 'library-invalid',
};

/** What shapes and types cannot say: one descendant a block, every file once, costs that follow from the widths. */
function checkReferences(model: z.infer<typeof modelShape>, context: z.RefinementCtx): void {
  const problem = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path, message });
  const { descendants, widths, files } = model;
  const { architecture } = model;
  const { depth } = architecture;
  if (!hasSizes(architecture)) return;
  const hiddens = hiddenUnits(architecture);
  if (descendants.length !== depth || widths.length !== depth) {
    return problem(['descendants'], 'expected one descendant and one width per block');
  }
  descendants.forEach((id, block) => {
    const expected = `${blockName(block)}/${widthName(widths[block]!)}`;
    if (id !== expected) problem(['descendants', block], `expected ${expected}, by its block and width`);
    const hidden = hiddens[block]!;
    if (widths[block]! > hidden) problem(['widths', block], `wider than the teacher's ${hidden} units`);
  });
  model.refitted?.descendants.forEach((id, place) => {
    if (!descendants.includes(id)) problem(['refitted', 'descendants', place], 'expected one of this model');
  });
  const sizes = new Map<string, number>();
  files.forEach(({ path, sizeBytes }, place) => {
    if (sizes.has(path)) problem(['files', place, 'path'], 'listed twice');
    sizes.set(path, sizeBytes);
  });
  const { frame, blocks } = weightPaths(widths);
  const index = model.index === undefined ? [] : [model.index.path];
  for (const path of [frame, ...blocks, ...Object.values(graphPaths), ...index]) {
    if (!sizes.has(path)) problem(['files'], `expected ${path} among them`);
  }
  blocks.forEach((path, block) => {
    const extents = ffnExtents(model.architecture, block, widths[block]!);
    const weights = ffnBytes(extents);
    const found = sizes.get(path) ?? weights;
    if (found < weights || found > weights + headerAllowanceBytes)
      problem(
        ['files'],
        `${path}: ${widths[block]} hidden units of width ${extents.width} take ${weights} bytes`,
      );
  });
  const { params, macs } = modelCosts(model.architecture, widths);
  const sizeBytes = [frame, ...blocks].reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0);
  for (const [name, expected] of Object.entries({ params, macs, sizeBytes })) {
    if (model[name as 'params' | 'macs' | 'sizeBytes'] !== expected)
      problem([name], `expected ${expected}, as architecture, widths and files have it`);
  }
}
