import { mapConcurrent } from '../../../datasets/concurrent.ts';
import type { Preprocessing, RawBatch, SplitItem } from '../../../datasets/contract.ts';
import type { Preparer } from '../../../datasets/prepare.ts';
import { pixelsPerImage } from '../../model/architecture.ts';

/** Images by their place in a list, prepared for the model. */
export interface ImageStore {
  /** N */
  readonly count: number;
  /** Class of each of the N images. */
  readonly labels: Int32Array;
  readonly preprocessing: Preprocessing;
  /** The images at these places, in this order; the pixels are the caller's to change. */
  read(places: ArrayLike<number>): Promise<RawBatch>;
}

/** Enough for 28 x 28 px of any number, and for 3,500 images of 224 px. */
const defaultBytes = 2 ** 29;

/**
 * Images that have been read once stay in memory up to `memoryBytes`, as uint8; the others come through the preparer,
 * which has a cache on disk, every time.
 */
export function openImageStore(
  items: readonly SplitItem[],
  preparer: Preparer,
  {
    memoryBytes = defaultBytes,
    signal,
  }: { readonly memoryBytes?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
): ImageStore {
  const { preprocessing } = preparer;
  const { crop: size, channels } = preprocessing;
  const length = pixelsPerImage(size, channels);
  const kept = new Map<number, Uint8Array>();
  const mostKept = Math.floor(memoryBytes / length);
  return {
    count: items.length,
    labels: Int32Array.from(items, ({ label }) => label),
    preprocessing,
    async read(places) {
      const chosen = Array.from(places);
      const pixels = new Uint8Array(chosen.length * length);
      const missing: number[] = [];
      chosen.forEach((place, row) => {
        const known = kept.get(place);
        if (known === undefined) missing.push(row);
        else pixels.set(known, row * length);
      });
      if (missing.length > 0) {
        await mapConcurrent(
          missing,
          async (row) => {
            const place = chosen[row]!;
            const found = await preparer.pixels(items[place]!);
            pixels.set(found, row * length);
            if (kept.size < mostKept) kept.set(place, found.slice());
          },
          { signal },
        );
      }
      return {
        ids: chosen.map((place) => items[place]!.id),
        labels: Int32Array.from(chosen, (place) => items[place]!.label),
        pixels,
        count: chosen.length,
        size,
        channels,
      };
    },
  };
}
