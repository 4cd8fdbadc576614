import type { RawBatch } from '../../../datasets/contract.ts';
import { extentOf } from '../../model/architecture.ts';

/** The images that are marked with left and right exchanged. A new batch where there is one. */
export function mirrorImages(batch: RawBatch, marked: readonly boolean[]): RawBatch {
  if (!marked.includes(true)) return batch;
  const { channels } = batch;
  const { height, width } = extentOf(batch.size);
  const pixels = batch.pixels.slice();
  const row = width * channels;
  marked.forEach((isMarked, image) => {
    if (!isMarked) return;
    for (let start = image * height * row; start < (image + 1) * height * row; start += row) {
      for (let x = 0; x < width; x++) {
        const from = start + (width - 1 - x) * channels;
        for (let c = 0; c < channels; c++) pixels[start + x * channels + c] = batch.pixels[from + c]!;
      }
    }
  });
  return { ...batch, pixels };
}
