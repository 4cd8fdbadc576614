import type { RecipeConfig } from './schema.ts';

/** Epochs become steps once, here, and minutes of all blocks a block's seconds; training code knows only these. */
export function distillLength(
  { duration, batchTokens }: Pick<RecipeConfig['distill'], 'duration' | 'batchTokens'>,
  depth: number,
  tokens: number,
): number | { readonly seconds: number } {
  if ('steps' in duration) return duration.steps;
  if ('minutes' in duration) return { seconds: (60 * duration.minutes) / depth };
  return Math.max(1, Math.round((duration.epochs * tokens) / Math.min(batchTokens, tokens)));
}
