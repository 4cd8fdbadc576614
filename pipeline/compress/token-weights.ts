import type { Random } from '../util/random.ts';

/**
 * How much each sampled token of an image counts in order, refit and distillation, so that a fit spends its accuracy where
 * the model's answer depends on it: a class-token head reads one token in hundreds, and in the last block nothing else.
 * The weights of an image's sampled tokens average 1.
 */
export interface TokenWeights {
  readonly classToken: number;
  readonly patch: number;
}

/**
 * Half of the trust goes to the class token's share of the teacher's squared gradient (`createClassShare`), half to all
 * tokens alike: the share alone leaves one effective token per image in the last blocks, and a fit of hundreds of units
 * to it learns the images by heart (measured in docs/quality.md).
 */
const trust = 0.5;

/** Images the share is measured on. One number per block: its mean over so many moves by about 0.02 between samples. */
export const shareImages = 256;

/**
 * `classShare` in [0, 1], of `sampled` tokens per image, the class token among them.
 * Where only the class token is sampled, or the share is not known (null), every token counts the same.
 */
export function tokenWeights(classShare: number | null, sampled: number): TokenWeights {
  if (classShare === null || sampled < 2) return { classToken: 1, patch: 1 };
  return {
    classToken: 1 - trust + trust * classShare * sampled,
    patch: 1 - trust + (trust * (1 - classShare) * sampled) / (sampled - 1),
  };
}

/** Probability that a token drawn by these weights is a class token. */
export function classProbability({ classToken }: TokenWeights, sampled: number): number {
  return classToken / sampled;
}

/** The weights of `rows` tokens, whole images of `sampled` tokens one after the other, the class token first. */
export function rowWeights({ classToken, patch }: TokenWeights, rows: number, sampled: number): Float32Array {
  return Float32Array.from({ length: rows }, (_, row) => (row % sampled === 0 ? classToken : patch));
}

/** `(sum w)^2 / (n sum w^2)`: the share of tokens that weighted tokens are worth in a fit. 1 where all count the same. */
export function effectiveShare({ classToken, patch }: TokenWeights, sampled: number): number {
  return sampled / (classToken ** 2 + (sampled - 1) * patch ** 2);
}

/**
 * Which of an image's `tokens` tokens to keep: the class token always, patches without replacement.
 * `wanted` null keeps all. Ascending order.
 */
export function sampleTokens(tokens: number, wanted: number | null, random: Random): Int32Array {
  if (wanted === null || wanted >= tokens) return Int32Array.from({ length: tokens }, (_, index) => index);
  const patches = Int32Array.from({ length: tokens - 1 }, (_, index) => index + 1);
  // A partial Fisher-Yates: only the part that is kept is drawn.
  for (let i = 0; i < wanted - 1; i++) {
    const j = i + random.integer(patches.length - i);
    const drawn = patches[j]!;
    patches[j] = patches[i]!;
    patches[i] = drawn;
  }
  const kept = new Int32Array(wanted);
  kept.set(patches.subarray(0, wanted - 1), 1);
  return kept.sort();
}
