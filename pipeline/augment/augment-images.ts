import type { RawBatch } from '../../datasets/contract.ts';
import type { Random } from '../util/random.ts';
import { flipAndCrop } from './flip-and-crop.ts';
import type { AugmentSettings } from './schema.ts';

/** What comes into a picture from outside unless told otherwise: timm's. */
const grey: readonly number[] = [128, 128, 128];

/**
 * The images varied each by its own draws: mirrored and moved, then RandAugment's operations or else colour jitter, in timm's order. A
 * function of the batch, the settings and what `chance` gives. Whoever needs to know which are mirrored mirrors them first
 * (`mirrorImages`) and sets `flip: false`. `fill`: of each channel, 0 to 255, what turned and sheared images show outside; timm takes
 * the data's mean.
 */
export async function augmentImages(
  batch: RawBatch,
  settings: Pick<AugmentSettings, 'flip' | 'cropPadding' | 'randAugment' | 'colourJitter'>,
  chance: Random,
  fill: readonly number[] = grey,
): Promise<RawBatch> {
  const moved = flipAndCrop(batch, settings, chance);
  if (settings.randAugment !== null || settings.colourJitter > 0) {
    throw new Error(`not yet: RandAugment and colour jitter (fill ${fill.join()})`);
  }
  return Promise.resolve(moved);
}
