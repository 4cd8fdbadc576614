import type { RecipeConfig } from './schema.ts';

/** Epochs become steps once, here, and minutes seconds; training code knows only these. */
export function distillLength(
  { duration, batchSize }: Pick<RecipeConfig['distill'], 'duration' | 'batchSize'>,
  images: number,
): number | { readonly seconds: number } {
  if ('steps' in duration) return duration.steps;
  if ('minutes' in duration) return { seconds: 60 * duration.minutes };
  return Math.max(1, Math.round((duration.epochs * images) / Math.min(batchSize, images)));
}
