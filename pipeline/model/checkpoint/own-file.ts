import { z } from 'zod';
import type { Preprocessing } from '../../../datasets/contract.ts';
import { fail } from '../../util/failure.ts';
import { familyNames, isDefaultFamily, type Architecture } from '../architecture.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming.ts';

/** What a teacher file of our own tells in its header (`writeTeacher`). */
export interface OwnFile {
  /** What no shape tells. */
  readonly untold: Pick<Architecture, 'heads' | 'layerNormEpsilon' | 'gelu'>;
  /** Of other families than the ViT everything, as only a ViT's sizes are read from shapes. */
  readonly architecture?: Architecture;
  readonly preprocessing?: Preprocessing;
}

const untold = z.object({
  heads: z.int().positive(),
  layerNormEpsilon: z.number().positive(),
  gelu: z.enum(['exact', 'tanh']),
});
const channels = z.union([z.literal(1), z.literal(3)]);
const whole = untold.extend({
  family: z.string(),
  imageSize: z.int().positive(),
  patchSize: z.int().positive(),
  channels,
  width: z.int().positive(),
  depth: z.int().positive(),
  hidden: z.int().positive(),
  classes: z.int().positive(),
});
const preprocessingSchema = z.object({
  resize: z.int().positive().nullable(),
  resizeMode: z.enum(['shortest', 'stretch']),
  interpolation: z.enum(['bicubic', 'bilinear', 'nearest', 'lanczos']),
  crop: z.int().positive(),
  channels,
  mean: z.array(z.number()).min(1).max(3),
  std: z.array(z.number().positive()).min(1).max(3),
});

/** Our own files use canonical names, of whatever family. */
export const canonicalNaming: Naming = {
  name: 'timm',
  stored: (canonical) => [canonical],
  ignores: () => false,
};

/**
 * undefined where the file is somebody else's.
 * @throws BlockForgeError `file-invalid`; `checkpoint-unsupported` where its family is not known here
 */
export function readOwnFile({ path, metadata }: StoredCheckpoint): OwnFile | undefined {
  if (metadata.format !== 'blockforge-teacher') return undefined;
  let parsed: OwnFile & { readonly family?: string | undefined };
  try {
    const found: unknown = JSON.parse(metadata.architecture ?? '');
    const { family } = z.object({ family: z.string().optional() }).parse(found);
    parsed = {
      family,
      untold: untold.parse(found),
      ...(isDefaultFamily(family) ? {} : { architecture: whole.parse(found) }),
      ...(metadata.preprocessing === undefined
        ? {}
        : { preprocessing: preprocessingSchema.parse(JSON.parse(metadata.preprocessing)) }),
    };
  } catch (error) {
    const found = 'its architecture or preprocessing metadata is damaged';
    return fail({ reason: 'file-invalid', subject: path, found }, error);
  }
  const { family, ...own } = parsed;
  if (family === undefined || familyNames().includes(family)) return own;
  return fail({
    reason: 'checkpoint-unsupported',
    subject: path,
    found: `a model of the family ${family}`,
    expected: `one of ${familyNames().join(', ')}`,
  });
}
