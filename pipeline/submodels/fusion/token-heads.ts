import type { FeatureMoments } from './feature-moments.ts';
import type { FusionHead, FusionLayer } from './fusion-head.ts';
import type { FusionTask } from './fusion-task.ts';
import { sharpened } from './sharpened.ts';
import type { Standardisation } from './standardised.ts';
import { startTokens } from './start-tokens.ts';
import { trainTokens, type TokenData } from './train-tokens.ts';

/**
 * Heads of the kind `tokens`: the closed form, and what training makes of it where held-out images find that better.
 * @param moments of the features with the teacher's tokens
 */
export async function tokenHeads(
  task: FusionTask,
  { fit, teacherHead }: { readonly fit: TokenData; readonly teacherHead: FusionLayer },
  standardisation: Standardisation,
  moments: FeatureMoments,
): Promise<readonly { readonly name: string; readonly head: FusionHead; readonly seconds: number }[]> {
  const began = performance.now();
  const since = (at: number): number => (performance.now() - at) / 1000;
  const { ridges } = task.settings;
  const { head, ridge } = await startTokens({ ...task, ridges }, teacherHead, standardisation, moments);
  const start = {
    name: `tokens in closed form, ridge ${ridge}`,
    head: sharpened(head, task),
    seconds: since(began),
  };
  const trainedAt = performance.now();
  const { layers, epoch } = await trainTokens(head, fit, task);
  if (epoch === 0) return [start];
  return [start, { name: 'tokens', head: sharpened({ ...head, layers }, task), seconds: since(trainedAt) }];
}

/**
 * What these heads need beside what all do.
 * @throws Error where it is missing or of another size: a bug
 */
export function tokenNeeds({ fit, classes, teacherHead }: FusionTask): {
  readonly fit: TokenData;
  readonly teacherHead: FusionLayer;
} {
  const { images, teacherFeatures, teacherLogits } = fit;
  if (teacherHead === undefined || teacherFeatures === undefined || teacherLogits === undefined) {
    throw new Error("a head for the teacher's tokens without the teacher's tokens, logits and head");
  }
  const { inputs, outputs } = teacherHead;
  if (outputs !== classes || teacherFeatures.length !== images * inputs) {
    throw new RangeError(
      `${teacherFeatures.length} numbers of tokens of ${images} images for a teacher's head of ${inputs} to ${outputs}`,
    );
  }
  return { fit: { ...fit, teacherFeatures, teacherLogits }, teacherHead };
}
