import type { Preprocessing } from '../../../../datasets/contract.ts';
import { normalisations } from '../../../../datasets/preprocessing.ts';
import { proportionPercent } from '../../../measure/interval.ts';

/** Images that each preset is tried on, at most. */
const most = 256;
/** Several presets are tried, and one that is chosen by luck would stop a run. */
const confidence = 0.999;

/**
 * Tries the other usual mean and std on some labelled images: a wrong preset must be caught, not shipped.
 * @param top1High of the chosen preprocessing on all images, in percent; nothing can be clearly better than 100
 * @param score how many of at most `most` images the teacher gets right, prepared like this
 * @returns the first preset that is clearly better
 */
export async function betterPreset(
  chosen: Preprocessing,
  top1High: number,
  score: (prepared: Preprocessing, most: number) => Promise<{ correct: number; images: number }>,
): Promise<{ name: string; top1: number } | undefined> {
  if (top1High >= 100) return undefined;
  for (const [name, { mean, std }] of Object.entries(normalisations(chosen.channels))) {
    if (mean.every((value, index) => Math.abs(value - chosen.mean[index]!) < 1e-3)) continue;
    const { correct, images } = await score({ ...chosen, mean, std }, most);
    const interval = proportionPercent(correct, images, confidence);
    if (interval.low > top1High) return { name, top1: interval.mean };
  }
  return undefined;
}
