import { z } from 'zod';
import { interpolations, type Preprocessing } from '../../datasets/contract.ts';
import { fail } from '../util/failure.ts';
import {
  answerNames,
  familyProblem,
  geluNames,
  isDefaultFamily,
  poolNames,
  trainableFamilyNames,
  type Architecture,
  type ImageSize,
} from '../model/architecture.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming.ts';

/** What a teacher file of our own tells in its header (`writeTeacher`). */
export interface OwnFile {
  /** What no shape tells. */
  readonly untold: Pick<Architecture, 'heads' | 'layerNormEpsilon' | 'gelu' | 'pool' | 'answer'>;
  /** Of other families than the ViT everything, as only a ViT's sizes are read from shapes. */
  readonly architecture?: Architecture;
  /** Of a rectangle, which positions alone do not tell. */
  readonly imageSize?: ImageSize | undefined;
  readonly preprocessing?: Preprocessing;
}

const positive = z.int().min(1);
const channels = z.union([z.literal(1), z.literal(3)]);

const untoldFields = {
  heads: positive,
  layerNormEpsilon: z.number().positive(),
  gelu: z.enum(geluNames),
  /** Absent is the class token. */
  pool: z.enum(poolNames).optional(),
  /** Absent is a classifier. */
  answer: z.enum(answerNames).optional(),
};

const pixels = z.int().min(1).max(65_536);
/** A number, or [height, width] where these differ. */
const imageSize = z.union([
  pixels,
  z
    .tuple([pixels, pixels])
    .refine(([height, width]) => height !== width, 'a square is one number')
    .readonly(),
]);

/** What files tell of an architecture, but for its family. */
export const architectureFields = {
  imageSize,
  patchSize: positive,
  channels,
  width: positive,
  depth: positive.max(10_000),
  heads: untoldFields.heads,
  hidden: positive,
  classes: positive,
  layerNormEpsilon: untoldFields.layerNormEpsilon,
  gelu: untoldFields.gelu,
  pool: untoldFields.pool,
  answer: untoldFields.answer,
  layers: z
    .array(z.strictObject({ heads: positive, keySize: positive, valueSize: positive, hidden: positive }))
    .max(10_000)
    .readonly()
    .optional(),
  stages: z
    .array(
      z.strictObject({ depth: positive.max(10_000), width: positive, heads: positive, hidden: positive }),
    )
    .min(1)
    .max(100)
    .readonly()
    .optional(),
  window: positive.max(10_000).optional(),
  normWidth: positive.optional(),
  gated: z.literal(true).optional(),
  classToken: z.literal(false).optional(),
  registers: positive.max(1000).optional(),
  normPre: z.literal(true).optional(),
  rotary: z.literal(true).optional(),
  relativePositionBias: z.literal(true).optional(),
  reads: z.enum(['class', 'distillation']).optional(),
  representation: positive.optional(),
  distilled: z.literal(true).optional(),
  tokenizer: z
    .strictObject({ layers: positive.max(16), kernel: positive.max(255), channels: positive })
    .readonly()
    .optional(),
};

export const preprocessingFields = {
  resize: imageSize.nullable(),
  resizeMode: z.enum(['shortest', 'stretch']),
  interpolation: z.enum(interpolations),
  crop: imageSize,
  cropRounding: z.literal('down').optional(),
  channels,
  mean: z.array(z.number()).min(1).max(3),
  std: z.array(z.number().positive()).min(1).max(3),
};

const untold = z.object(untoldFields);
const whole = z.object({ family: z.string().optional(), ...architectureFields });
const preprocessingSchema = z.object(preprocessingFields);

/** Our own files use canonical names, of whatever family. */
export const canonicalNaming: Naming = {
  name: 'timm',
  stored: (canonical) => [canonical],
  scale: () => undefined,
  isOther: () => false,
  heads: ['head', 'head_dist'],
  isNormAfterPool: false,
  distillation: {},
  notes: [],
};

/**
 * undefined where the file is somebody else's.
 * @throws BlockForgeError `file-invalid`; `checkpoint-unsupported` where its family is not known here, or no teacher's
 */
export function readOwnFile({ path, metadata }: StoredCheckpoint): OwnFile | undefined {
  if (metadata.format !== 'blockforge-teacher') return undefined;
  let parsed: OwnFile & { readonly family?: string | undefined };
  try {
    const found: unknown = JSON.parse(metadata.architecture ?? '');
    const { family, imageSize: size } = z
      .object({ family: z.string().optional(), imageSize: imageSize.optional() })
      .parse(found);
    parsed = {
      family,
      imageSize: size,
      untold: untold.parse(found),
      ...(isPlain(found, family) ? {} : { architecture: whole.parse(found) }),
      ...(metadata.preprocessing === undefined
        ? {}
        : { preprocessing: preprocessingSchema.parse(JSON.parse(metadata.preprocessing)) }),
    };
  } catch (error) {
    const found = 'its architecture or preprocessing metadata is damaged';
    return fail({ reason: 'file-invalid', subject: path, found }, error);
  }
  const { family, ...own } = parsed;
  if (family === undefined || trainableFamilyNames().includes(family)) {
    const problem = own.architecture && familyProblem(own.architecture);
    if (problem === undefined) return own;
    fail({ reason: 'file-invalid', subject: `${path}: its architecture, ${family}`, found: problem });
  }
  return fail({
    reason: 'checkpoint-unsupported',
    subject: path,
    found: `a model of the family ${family}`,
    expected: `one of ${trainableFamilyNames().join(', ')}`,
  });
}

/** A ViT that shapes tell all of but what `untold` has. */
function isPlain(found: unknown, family: string | undefined): boolean {
  if (!isDefaultFamily(family)) return false;
  const others = ['gated', 'classToken', 'registers', 'normPre', 'rotary', 'relativePositionBias'];
  if (typeof found !== 'object' || found === null) return false;
  return others.every((field) => !(field in found)) && !('pool' in found && found.pool === 'unnormed-mean');
}
