import type { Random } from '../util/random.ts';

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
    [patches[i], patches[j]] = [patches[j], patches[i]];
  }
  const kept = new Int32Array(wanted);
  kept.set(patches.subarray(0, wanted - 1), 1);
  return kept.sort();
}
