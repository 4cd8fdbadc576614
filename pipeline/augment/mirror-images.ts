import type { RawBatch } from '../../datasets/contract.ts';
import { moveImages } from './move-images.ts';

/** The images that are marked with left and right exchanged. A new batch where there is one. */
export function mirrorImages(batch: RawBatch, marked: readonly boolean[]): RawBatch {
  if (!marked.includes(true)) return batch;
  return moveImages(
    batch,
    marked.map((mirrored) => ({ dx: 0, dy: 0, mirrored })),
  );
}
