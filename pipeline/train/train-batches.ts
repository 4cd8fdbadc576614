import { flipAndCrop } from '../augment/flip-and-crop.ts';
import type { RawBatch } from '../../datasets/contract.ts';
import { random } from '../util/random.ts';
import { pixelsPerImage } from '../model/architecture.ts';

export interface TrainBatchOptions {
  readonly batchSize: number;
  readonly augment: { readonly flip: boolean; readonly cropPadding: number };
  readonly seed: number;
}

/** Batches per epoch: whole ones only, so that every step sees the same shapes; a smaller set is one batch. */
export function batchesPerEpoch(count: number, batchSize: number): number {
  return Math.max(1, Math.floor(count / batchSize));
}

/**
 * The shuffled and augmented batches of one epoch. A function of the seed and the epoch alone: a resumed training
 * sees what it would have seen. The images that do not fill a batch sit this epoch out.
 */
export function* trainBatches(
  images: RawBatch,
  epoch: number,
  options: TrainBatchOptions,
): Generator<RawBatch> {
  const { batchSize, augment, seed } = options;
  const order = random(seed, 'train', 'order', epoch).shuffle(Uint32Array.from(images.labels, (_, i) => i));
  const stream = random(seed, 'train', 'augment', epoch);
  const size = Math.min(batchSize, images.count);
  for (let batch = 0; batch < batchesPerEpoch(images.count, batchSize); batch++) {
    const chosen = order.subarray(batch * size, (batch + 1) * size);
    yield flipAndCrop(pickImages(images, chosen), augment, stream);
  }
}

/** The images at `indices`, in that order. Copies. */
export function pickImages(images: RawBatch, indices: Uint32Array): RawBatch {
  const { size, channels } = images;
  const length = pixelsPerImage(size, channels);
  const pixels = new Uint8Array(indices.length * length);
  indices.forEach((index, place) => {
    pixels.set(images.pixels.subarray(index * length, (index + 1) * length), place * length);
  });
  return {
    ids: Array.from(indices, (index) => images.ids[index]!),
    labels: Int32Array.from(indices, (index) => images.labels[index]!),
    pixels,
    count: indices.length,
    size,
    channels,
  };
}
