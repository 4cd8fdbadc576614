import { join } from 'node:path';
import type { SplitItem } from '../../../../datasets/contract.ts';
import { sampleTokens, tokenWeights, type TokenWeights } from '../../../compress/token-weights.ts';
import { tokensPerImage, type Architecture } from '../../../model/architecture.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { readJson } from '../../../util/atomic.ts';
import { random } from '../../../util/random.ts';
import { indices } from '../../common/artefacts.ts';
import { classShareJob, files, type ClassShareFile } from '../artefacts.ts';
import { heldOutImages, type Calibration } from '../shape.ts';

/** Shuffled before it is cut, so that held-out images and shards are random samples of the calibration images. */
export function calibrationImages(
  { seed, heldOut }: Pick<Calibration, 'seed' | 'heldOut'>,
  items: readonly SplitItem[],
): { training: SplitItem[]; heldOut: SplitItem[] } {
  const shuffled = random(seed, 'statistics').shuffle([...items]);
  const count = heldOutImages({ heldOut }, shuffled.length);
  return { heldOut: shuffled.slice(0, count), training: shuffled.slice(count) };
}

/** Rows of a batch's B*T tokens that are kept: the same of an image wherever it is met. */
export function sampledRows(
  { seed, tokensPerImage: most }: Pick<Calibration, 'seed' | 'tokensPerImage'>,
  architecture: Architecture,
  ids: readonly string[],
): Int32Array {
  const tokens = tokensPerImage(architecture);
  const rows = ids.flatMap((id, image) =>
    Array.from(sampleTokens(tokens, most, random(seed, 'tokens', id)), (token) => image * tokens + token),
  );
  return Int32Array.from(rows);
}

/** The weights of every block's tokens, `sampled` of each image. The job must need `classShareJob`. */
export async function readTokenWeights(
  context: JobContext,
  depth: number,
  sampled: number,
): Promise<TokenWeights[]> {
  const path = join(context.input(classShareJob), files.classShare);
  const { classShare } = await readJson<ClassShareFile>(path);
  if (classShare !== null && classShare.length !== depth) {
    throw new Error(`${path}: ${classShare.length} blocks, expected ${depth}`);
  }
  return indices(depth).map((block) => tokenWeights(classShare?.[block] ?? null, sampled));
}
