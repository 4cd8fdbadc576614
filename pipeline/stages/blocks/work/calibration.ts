import { blockName, tokensPerImage, type Architecture } from '../../../model/architecture.ts';
import type { SplitItem } from '../../../../datasets/contract.ts';
import { sampleTokens } from '../../../compress/token-weights.ts';
import { tokenWeights, type TokenWeights } from '../../../compress/token-weights.ts';
import type { Config } from '../../../config/schema.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { readJson } from '../../../util/atomic.ts';
import { random } from '../../../util/random.ts';
import { classShareJob, files, indices } from '../artefacts.ts';
import { join } from 'node:path';

/** What every stage that reads calibration images must agree on: which ones, which of their tokens, and their weights. */

/** Tokens kept of every calibration image. */
export function sampledTokens(config: Config, architecture: Architecture): number {
  return Math.min(config.statistics.tokensPerImage ?? Infinity, tokensPerImage(architecture));
}

/** Whether anything reads the sampled inputs of training images: composed inputs are streamed anew for every block. */
export function keepsTrainingTokens({ inputs }: Config): boolean {
  return inputs.from === 'teacher';
}

/** Tokens that calibration yields over all shards. */
export function calibrationTokens(
  config: Config,
  architecture: Architecture,
): { training: number; heldOut: number } {
  const perImage = sampledTokens(config, architecture);
  const images = config.data.splits.calibration;
  const heldOut = heldOutImages(config, images);
  return { training: (images - heldOut) * perImage, heldOut: heldOut * perImage };
}

/** Shuffled before it is cut, so that held-out images and shards are random samples of the calibration images. */
export function calibrationImages(
  config: Config,
  items: readonly SplitItem[],
): { training: SplitItem[]; heldOut: SplitItem[] } {
  const shuffled = random(config.seed, 'statistics').shuffle([...items]);
  const count = heldOutImages(config, shuffled.length);
  return { heldOut: shuffled.slice(0, count), training: shuffled.slice(count) };
}

/** Rows of a batch's B*T tokens that are kept: the same of an image wherever it is met. */
export function sampledRows(config: Config, architecture: Architecture, ids: readonly string[]): Int32Array {
  const tokens = tokensPerImage(architecture);
  const rows = ids.flatMap((id, image) =>
    Array.from(
      sampleTokens(tokens, config.statistics.tokensPerImage, random(config.seed, 'tokens', id)),
      (token) => image * tokens + token,
    ),
  );
  return Int32Array.from(rows);
}

/** The weights of every block's tokens. The job must need `classShareJob`. */
export async function readTokenWeights(context: JobContext): Promise<TokenWeights[]> {
  const { depth } = context.architecture;
  const sampled = sampledTokens(context.loaded.config, context.architecture);
  const path = join(context.input(classShareJob)!, files.classShare);
  const { classShare } = await readJson<{ classShare: readonly number[] | null }>(path);
  if (classShare !== null && classShare.length !== depth) {
    throw new Error(`${path}: ${classShare.length} blocks, expected up to ${blockName(depth - 1)}`);
  }
  return indices(depth).map((block) => tokenWeights(classShare?.[block] ?? null, sampled));
}

function heldOutImages(config: Config, images: number): number {
  return Math.max(1, Math.round(images * config.statistics.heldOut));
}
