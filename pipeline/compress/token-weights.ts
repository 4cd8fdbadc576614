import type { Random } from '../util/random.ts';

/**
 * How much each sampled token of an image counts in order and refit, so that a fit spends its accuracy where
 * the model's answer depends on it: a class-token head reads one token in hundreds, and in the last block nothing else.
 * The weights of an image's sampled tokens average 1.
 */
export interface TokenWeights {
  /** How many of an image's tokens come before its patches, all of them sampled: a class token, registers; or none. */
  readonly prefixTokens: number;
  /** Of one prefix token. */
  readonly prefix: number;
  readonly patch: number;
}

/**
 * Half of the trust goes to the prefix tokens' share of the teacher's squared gradient (`createClassShare`), half to all
 * tokens alike: the share alone leaves one effective token per image in the last blocks, and a fit of hundreds of units
 * to it learns the images by heart (measured in docs/quality.md).
 */
const trust = 0.5;

/** Images the share is measured on. One number per block: its mean over so many moves by about 0.02 between samples. */
export const shareImages = 256;

/**
 * `classShare` in [0, 1], of `sampled` tokens per image, the first `prefixTokens` of them before the patches.
 * Where one kind of token alone is sampled, or the share is not known (null), every token counts the same.
 */
export function tokenWeights(classShare: number | null, sampled: number, prefixTokens: number): TokenWeights {
  const patches = sampled - prefixTokens;
  if (classShare === null || prefixTokens === 0 || patches < 1) return { prefixTokens, prefix: 1, patch: 1 };
  return {
    prefixTokens,
    prefix: 1 - trust + (trust * classShare * sampled) / prefixTokens,
    patch: 1 - trust + (trust * (1 - classShare) * sampled) / patches,
  };
}

/** Probability that a token drawn by these weights is a prefix token. */
export function prefixProbability({ prefixTokens, prefix }: TokenWeights, sampled: number): number {
  return (prefixTokens * prefix) / sampled;
}

/** The weights of `rows` tokens, whole images of `sampled` tokens one after the other, the prefix first. */
export function rowWeights(
  { prefixTokens, prefix, patch }: TokenWeights,
  rows: number,
  sampled: number,
): Float32Array {
  return Float32Array.from({ length: rows }, (_, row) => (row % sampled < prefixTokens ? prefix : patch));
}

/** `(sum w)^2 / (n sum w^2)`: the share of tokens that weighted tokens are worth in a fit. 1 where all count the same. */
export function effectiveShare({ prefixTokens, prefix, patch }: TokenWeights, sampled: number): number {
  return sampled / (prefixTokens * prefix ** 2 + (sampled - prefixTokens) * patch ** 2);
}

/**
 * Which of an image's `tokens` tokens to keep: those of the prefix always, patches without replacement.
 * `wanted` null keeps all. Ascending order.
 */
export function sampleTokens(
  tokens: number,
  wanted: number | null,
  random: Random,
  prefixTokens: number,
): Int32Array {
  if (wanted === null || wanted >= tokens) return Int32Array.from({ length: tokens }, (_, index) => index);
  const patches = Int32Array.from({ length: tokens - prefixTokens }, (_, index) => index + prefixTokens);
  const drawnPatches = Math.max(0, wanted - prefixTokens);
  // A partial Fisher-Yates: only the part that is kept is drawn.
  for (let i = 0; i < drawnPatches; i++) {
    const j = i + random.integer(patches.length - i);
    const drawn = patches[j]!;
    patches[j] = patches[i]!;
    patches[i] = drawn;
  }
  const kept = Int32Array.from({ length: prefixTokens + drawnPatches }, (_, index) => index);
  kept.set(patches.subarray(0, drawnPatches), prefixTokens);
  return kept.sort();
}
