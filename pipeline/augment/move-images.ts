import type { RawBatch } from '../../datasets/contract.ts';
import { extentOf } from '../model/family/image-size.ts';

/** Where an image is seen from: a window of its size, moved by (dx, dy) pixels, black outside, then mirrored or not. */
export interface Move {
  readonly dx: number;
  readonly dy: number;
  readonly mirrored: boolean;
}

/** A new batch with each image moved; ids and labels stay. What a move leads wholly out of is black. */
export function moveImages(batch: RawBatch, moves: readonly Move[]): RawBatch {
  const { channels, pixels: from } = batch;
  const { height, width } = extentOf(batch.size);
  const pixels = new Uint8Array(from.length);
  const row = width * channels;
  moves.forEach(({ dx, dy, mirrored }, image) => {
    const base = image * height * row;
    const firstX = Math.max(0, -dx);
    const endX = Math.min(width, width - dx);
    if (endX <= firstX) return;
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
  });
  return { ...batch, pixels };
}
