import { z } from 'zod';
import { familyName, familyNames, familyProblem, type FfnExtents } from '../model/architecture.ts';
import { architectureFields, preprocessingFields } from '../checkpoint/own-file.ts';
import type { Interval } from '../measure/interval.ts';
import type { Measured } from '../measure/measured.ts';

// What the manifests of libraries and of single models are made of.

export const count = z.int().min(0);
export const positive = z.int().min(1);
export const share = z.number().min(0).max(1);
export const digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits');

/** Relative, below the manifest's folder, in POSIX form: no "..", no drive, no leading slash. */
export const relativePath = z
  .string()
  .max(500)
  .regex(
    /^(?!\.{1,2}(\/|$))[\w.-]+(\/(?!\.{1,2}(\/|$))[\w.-]+)*$/,
    'expected a relative path inside the folder',
  );

export const file = z.strictObject({ path: relativePath, sizeBytes: positive, sha256: digest });

export const interval = z.strictObject({
  mean: z.number(),
  low: z.number(),
  high: z.number(),
}) satisfies z.ZodType<Interval>;
export const percent = z.number().min(0).max(100);

export const accuracy = z.strictObject({
  images: positive,
  top1Percent: interval,
  top5Percent: percent.optional(),
});

/** The model with one descendant against the same model with the teacher's block, over the same images. */
export const delta = z.strictObject({
  images: positive,
  top1Pp: interval,
  top5Pp: z.number().optional(),
  kl: z.number(),
  /** What of `kl` the descendant adds to that of the same model with the teacher's block. */
  klIncrease: z.number().optional(),
  agreementPercent: percent,
});

const anyArchitecture = z.strictObject({
  /** Absent is the ViT. */
  family: z
    .string()
    .refine((name) => familyNames().includes(name), 'not a family of models that this version knows')
    .optional(),
  ...architectureFields,
});

/** Refuses what the family says can be none of its models. */
function ofItsFamily(facts: z.infer<typeof anyArchitecture>, context: z.RefinementCtx): void {
  if (!familyNames().includes(familyName(facts))) return;
  const problem = familyProblem(facts);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
}

export const architecture = anyArchitecture.superRefine(ofItsFamily);

/** Of a teacher whose blocks are taken apart: its layers are alike. */
export const teacherArchitecture = anyArchitecture
  .omit({ layers: true, normWidth: true, distilled: true })
  .superRefine(ofItsFamily);

/** Whether its blocks have sizes at all: what does not fit its family is told by the schema itself. */
export function hasSizes(facts: z.infer<typeof teacherArchitecture>): boolean {
  return (
    facts.stages === undefined ||
    (familyNames().includes(familyName(facts)) && familyProblem(facts) === undefined)
  );
}

export const preprocessing = z.strictObject(preprocessingFields);

export const modelScores = accuracy.extend({
  top1DeltaPp: interval,
  kl: z.number(),
  agreementPercent: percent,
  /** To the teacher's feature; only of models that answer with features. */
  cosine: interval.optional(),
});

export type ModelScores = z.infer<typeof modelScores>;

/** A measured model in the manifest's form. */
export function modelScoresOf(measured: Measured): ModelScores {
  const { top1DeltaPp, kl, agreementPercent, cosine } = measured;
  return { ...accuracyOf(measured), top1DeltaPp, kl, agreementPercent, ...(cosine && { cosine }) };
}

/** The same of a model that is compared with none: the teacher. */
export function accuracyOf({ images, top1Percent, top5Percent }: Measured): z.infer<typeof accuracy> {
  return { images, top1Percent, ...(top5Percent !== undefined && { top5Percent }) };
}

/** The safetensors header of a descendant, with its metadata, stays below this. */
export const headerAllowanceBytes = 4096;

/** Bytes of fc1, the gate where there is one, and fc2 with biases, float32. */
export function ffnBytes({ width, hidden, gated }: FfnExtents): number {
  const matrices = gated === true ? 3 : 2;
  return 4 * (matrices * width * hidden + (matrices - 1) * hidden + width);
}

/** What stands above every table of numbers on images of the training part (`mayBeTrainedOn`). */
export const flatteredNote =
  'Warning: on images that the teacher may have been trained on, which flatters every number here.';

/** The same in Markdown, with the empty line behind it; nothing where it does not hold. */
export function flatteredText({ mayBeTrainedOn }: { readonly mayBeTrainedOn?: true | undefined }): string {
  return mayBeTrainedOn ? `**${flatteredNote}**\n\n` : '';
}
