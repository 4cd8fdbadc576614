/** What everybody who reads calibration images must agree on: which are held out, which tokens of an image are kept. */
import { sampleTokens } from '../compress/token-weights.ts';
import { blockTokens, prefixTokens, type Architecture } from '../model/architecture.ts';
import type { RecipeConfig } from './schema.ts';
import { random, type Random } from '../util/random.ts';

/** A type, not an interface, so that it is JSON. */
export type Calibration = {
  readonly seed: number;
  /** Share of the images. */
  readonly heldOut: number;
  /** Of every image, its prefix at the least; null keeps all. */
  readonly tokensPerImage: number | null;
};

export interface ImageSplit<Item> {
  readonly training: readonly Item[];
  /** Neither fitted to nor trained on. */
  readonly heldOut: readonly Item[];
}

export function calibrationOf({ seed, statistics }: Pick<RecipeConfig, 'seed' | 'statistics'>): Calibration {
  return { seed, heldOut: statistics.heldOut, tokensPerImage: statistics.tokensPerImage };
}

export function heldOutImages({ heldOut }: Pick<Calibration, 'heldOut'>, images: number): number {
  return Math.max(1, Math.round(images * heldOut));
}

/** Shuffled before it is cut, so that held-out images and shards are random samples of the calibration images. */
export function calibrationImages<Item>(
  { seed, heldOut }: Pick<Calibration, 'seed' | 'heldOut'>,
  items: readonly Item[],
): ImageSplit<Item> {
  const shuffled = random(seed, 'statistics').shuffle([...items]);
  const count = heldOutImages({ heldOut }, shuffled.length);
  return { heldOut: shuffled.slice(0, count), training: shuffled.slice(count) };
}

/**
 * How many calibration images composed inputs are made of, and how many of them are held out; `available` of each there are.
 * @param images most of both; null: all of them
 */
export function chainImages(
  { images, heldOut: share }: { readonly images: number | null } & Pick<Calibration, 'heldOut'>,
  available: { readonly training: number; readonly heldOut: number },
): { readonly training: number; readonly heldOut: number } {
  if (images === null) return available;
  const heldOut = Math.min(available.heldOut, Math.max(1, Math.round(images * share)));
  return { heldOut, training: Math.min(available.training, Math.max(1, images - heldOut)) };
}

/** Tokens kept of every calibration image in a block. */
export function sampledTokens(
  { tokensPerImage: most }: Pick<Calibration, 'tokensPerImage'>,
  architecture: Architecture,
  block: number,
): number {
  return Math.min(Math.max(most ?? Infinity, prefixTokens(architecture)), blockTokens(architecture, block));
}

/** Rows of a batch's B*T tokens that are kept in a block: the same of an image wherever it is met. */
export function sampledRows(
  { seed, tokensPerImage: most }: Pick<Calibration, 'seed' | 'tokensPerImage'>,
  architecture: Architecture,
  ids: readonly string[],
  block: number,
): Int32Array {
  const tokens = blockTokens(architecture, block);
  const prefix = prefixTokens(architecture);
  const rows = ids.flatMap((id, image) =>
    Array.from(
      sampleTokens(tokens, most, random(seed, 'tokens', id), prefix),
      (token) => image * tokens + token,
    ),
  );
  return Int32Array.from(rows);
}

/** The stream an image's label is drawn from, where gradients of the teacher's own answer are asked for. */
export function labelRandom({ seed }: Pick<Calibration, 'seed'>, id: string): Random {
  return random(seed, 'label', id);
}
