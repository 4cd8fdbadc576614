import type { Random } from '../pipeline/util/random.ts';
import { extentOf } from '../pipeline/model/family/image-size.ts';
import type { RawBatch } from './contract.ts';

/**
 * The usual light augmentation of small images: a coin flip mirrors, and a window of the same size is cut at a random
 * place from the image padded with black on all sides. Returns a new batch; ids and labels stay.
 */
export function augmentBatch(
  batch: RawBatch,
  { flip, cropPadding }: { readonly flip: boolean; readonly cropPadding: number },
  random: Random,
): RawBatch {
  if (!flip && cropPadding === 0) return batch;
  const { count, channels, pixels: from } = batch;
  const { height, width } = extentOf(batch.size);
  const pixels = new Uint8Array(from.length);
  const row = width * channels;
  for (let image = 0; image < count; image++) {
    const base = image * height * row;
    const dy = random.integer(2 * cropPadding + 1) - cropPadding;
    const dx = random.integer(2 * cropPadding + 1) - cropPadding;
    const mirrored = flip && random.next() < 0.5;
    const firstX = Math.max(0, -dx);
    const endX = Math.min(width, width - dx);
    for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++) {
      const to = base + y * row;
      const source = base + (y + dy) * row;
      if (!mirrored) {
        const start = source + (firstX + dx) * channels;
        pixels.set(from.subarray(start, start + (endX - firstX) * channels), to + firstX * channels);
        continue;
      }
      for (let x = firstX; x < endX; x++) {
        const at = source + (width - 1 - (x + dx)) * channels;
        for (let c = 0; c < channels; c++) pixels[to + x * channels + c] = from[at + c]!;
      }
    }
  }
  return { ...batch, pixels };
}
