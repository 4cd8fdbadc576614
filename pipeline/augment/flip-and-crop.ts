import type { RawBatch } from '../../datasets/contract.ts';
import type { Random } from '../util/random.ts';
import { moveImages } from './move-images.ts';
import type { AugmentSettings } from './schema.ts';

/**
 * The usual light augmentation of small images: a coin flip mirrors, and a window of the same size is cut at a random
 * place from the image padded with black on all sides. Returns a new batch; ids and labels stay.
 */
export function flipAndCrop(
  batch: RawBatch,
  { flip, cropPadding }: Pick<AugmentSettings, 'flip' | 'cropPadding'>,
  chance: Random,
): RawBatch {
  if (!flip && cropPadding === 0) return batch;
  const shift = () => chance.integer(2 * cropPadding + 1) - cropPadding;
  const moves = Array.from({ length: batch.count }, () => {
    const [dy, dx] = [shift(), shift()];
    return { dx, dy, mirrored: flip && chance.next() < 0.5 };
  });
  return moveImages(batch, moves);
}
