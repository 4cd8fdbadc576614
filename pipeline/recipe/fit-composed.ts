import type * as tf from '@tensorflow/tfjs-core';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { createClassShare } from '../compress/class-share.ts';
import { composedProblems } from '../compress/fit-problems.ts';
import { refit } from '../compress/refit.ts';
import {
  advanceStreams,
  memoryStore,
  startStreams,
  type LevelTokens,
  type Streams,
} from '../compress/streams.ts';
import { shareImages, tokenWeights, type TokenWeights } from '../compress/token-weights.ts';
import type { Descend, DescendInput, Recipe, RecipeContext } from './recipe.ts';
import { rankBlock } from './block-inputs.ts';

/** What the blocks of a chain have in common. */
export interface Chain {
  readonly streams: Streams;
  /** Per block. */
  readonly weights: readonly TokenWeights[];
  readonly sampled: number;
  readonly rowsOf: (batch: number) => Int32Array;
  /** The first batches are calibration images, the others held out. */
  readonly isHeldOut: (batch: number) => boolean;
}

/**
 * Block after block on the streams of compressed models (streams.ts): the pipeline's default. `widths[block]` are levels:
 * the k-th width of every block belongs to the same model, the one its streams run through.
 */
export const fitComposed: Descend = async (input) => {
  const { recipe, context, widths, onBlock } = input;
  const chain = await openChain(input);
  const fitted: FfnWeights[][] = [];
  for (const [block, evidence] of context.blocks.entries()) {
    const { problems, teacher } = await blockProblems(chain, block, recipe);
    const { units } = rankBlock(recipe, { ...evidence, statistics: teacher });
    const descendants = problems.map(({ statistics, targets }, level) => {
      const options = { ridge: ridgeOf(recipe), method: recipe.refit };
      return refit(evidence.weights, statistics, units, [widths[block][level]], options, targets)[0].weights;
    });
    fitted.push(descendants);
    await advanceStreams(chain.streams, block, descendants);
    await onBlock?.(block);
  }
  return fitted;
};

/** Streams of all levels at block 0. @throws RangeError where blocks have different numbers of widths. */
export async function openChain({
  context,
  widths,
}: Pick<DescendInput, 'context' | 'widths'>): Promise<Chain> {
  const levels = widths[0].length;
  if (widths.some((some) => some.length !== levels)) {
    throw new RangeError('composed inputs need the same number of widths in every block');
  }
  const ids: (readonly string[])[] = [];
  let calibrationBatches = 0;
  async function* pixels(): AsyncGenerator<tf.Tensor4D> {
    for await (const batch of context.calibration()) {
      ids.push(batch.ids);
      calibrationBatches++;
      yield batch.pixels;
    }
    for await (const batch of context.heldOut()) {
      ids.push(batch.ids);
      yield batch.pixels;
    }
  }
  const shares = await classShares(context);
  const streams = await startStreams(context.model, memoryStore(), 1 + levels, pixels());
  const sampled = context.sampledRows(ids[0]).length / ids[0].length;
  return {
    streams,
    weights: shares.map((share) => tokenWeights(share, sampled)),
    sampled,
    rowsOf: (batch) => context.sampledRows(ids[batch]),
    isHeldOut: (batch) => batch >= calibrationBatches,
  };
}

/** The least-squares problems of all levels of one block. */
export function blockProblems(
  { streams, weights, sampled, rowsOf, isHeldOut }: Chain,
  block: number,
  { composedShare }: Recipe,
  onTokens?: (level: number, tokens: LevelTokens, batch: number) => void,
): ReturnType<typeof composedProblems> {
  const options = { sampled, weights: weights[block], ownShare: composedShare ?? 0 };
  return composedProblems(streams, block, rowsOf, (batch) => !isHeldOut(batch), options, onTokens);
}

function ridgeOf({ name, ridge }: Recipe): number {
  if (typeof ridge === 'number') return ridge;
  throw new RangeError(`recipe ${name}: composed inputs need a fixed ridge`);
}

const measured = new WeakMap<RecipeContext, Promise<number[]>>();

/** Once per context: fitting and distilling ask for the same. */
async function classShares(context: RecipeContext): Promise<number[]> {
  const known = measured.get(context);
  if (known !== undefined) return known;
  const shares = measure(context);
  measured.set(context, shares);
  return shares;
}

async function measure(context: RecipeContext): Promise<number[]> {
  const share = createClassShare(context.model);
  let images = 0;
  for await (const { pixels, ids } of context.calibration()) {
    if (images < shareImages) share.add(pixels, (image) => context.labelRandom(ids[image]));
    images += ids.length;
    pixels.dispose();
    if (images >= shareImages) break;
  }
  return share.finish();
}
