import type { RawBatch } from '../../datasets/contract.ts';
import { extentOf } from '../model/family/image-size.ts';
import type { Random } from '../util/random.ts';
import { colourJitter } from './colour-jitter.ts';
import { flipAndCrop } from './flip-and-crop.ts';
import type { Picture } from './picture.ts';
import { randAugment } from './rand-augment.ts';
import type { AugmentSettings } from './schema.ts';

/** What comes into a picture from outside unless told otherwise: timm's. */
const grey: readonly number[] = [128, 128, 128];

/**
 * The images varied each by its own draws: mirrored and moved, then RandAugment's operations or else colour jitter, in timm's order. A
 * function of the batch, the settings and what `chance` gives. Whoever needs to know which are mirrored mirrors them first
 * (`mirrorImages`) and sets `flip: false`. `fill`: of each channel, 0 to 255, what turned and sheared images show outside; timm takes
 * the data's mean.
 */
export function augmentImages(
  batch: RawBatch,
  settings: Pick<AugmentSettings, 'flip' | 'cropPadding' | 'randAugment' | 'colourJitter'>,
  chance: Random,
  fill: readonly number[] = grey,
): Promise<RawBatch> {
  const moved = flipAndCrop(batch, settings, chance);
  const change = changeOf(settings, chance, fill);
  return Promise.resolve(change ? changeEach(moved, change) : moved);
}

function changeOf(
  settings: Pick<AugmentSettings, 'randAugment' | 'colourJitter'>,
  chance: Random,
  fill: readonly number[],
): ((picture: Picture) => Picture) | undefined {
  const { randAugment: rand, colourJitter: share } = settings;
  if (rand !== null) return (picture) => randAugment(picture, rand, chance, fill);
  return share > 0 ? (picture) => colourJitter(picture, share, chance) : undefined;
}

function changeEach(batch: RawBatch, change: (picture: Picture) => Picture): RawBatch {
  const { count, channels } = batch;
  const { height, width } = extentOf(batch.size);
  const length = height * width * channels;
  const pixels = new Uint8Array(batch.pixels.length);
  for (let start = 0; start < count * length; start += length) {
    const own = batch.pixels.subarray(start, start + length);
    pixels.set(change({ pixels: own, height, width, channels }).pixels, start);
  }
  return { ...batch, pixels };
}
