import type * as tf from '@tensorflow/tfjs-core';
import { random } from '../util/random.ts';

export interface EpochBatchOptions<Item> {
  readonly items: readonly Item[];
  /** Images of a batch; all that there are where they are fewer. */
  readonly batchSize: number;
  readonly seed: number;
  /** The first batch wanted, counted from the beginning of the training. */
  readonly firstStep: number;
  /** Batches of `batchSize` of the items given, in their order, decoded ahead of use. */
  readonly read: (
    items: readonly Item[],
    batchSize: number,
  ) => AsyncIterable<{ readonly pixels: tf.Tensor4D }>;
}

/** Of one read: at its end what was decoded ahead runs dry. */
const fewestPerRead = 64;

/** Images of every step of a training on `images`. */
export function stepImages(images: number, batchSize: number): number {
  return Math.min(images, batchSize);
}

/**
 * Endless batches [B, S, S, C]: whole epochs, each in an order of its own, one after the other and cut into batches of one size
 * across their borders, so that no image is left out. A batch is a function of seed and step alone. Caller disposes.
 * @throws RangeError where there are no images.
 */
export async function* epochBatches<Item>(
  options: EpochBatchOptions<Item>,
): AsyncGenerator<tf.Tensor4D, never> {
  const { items, seed, read } = options;
  if (items.length === 0) throw new RangeError('no images to train on');
  const size = stepImages(items.length, options.batchSize);
  const steps = Math.max(fewestPerRead, Math.ceil(items.length / size));
  for (let step = options.firstStep; ; step += steps) {
    let made = 0;
    for await (const { pixels } of read(itemsAt(items, seed, step * size, steps * size), size)) {
      made++;
      yield pixels;
    }
    if (made !== steps) throw new Error(`${made} batches were read, expected ${steps}`);
  }
}

/** `count` images from place `from` of all epochs one after the other. */
function itemsAt<Item>(items: readonly Item[], seed: number, from: number, count: number): Item[] {
  const found: Item[] = [];
  for (let epoch = Math.floor(from / items.length); found.length < count; epoch++) {
    const start = Math.max(0, from - epoch * items.length);
    const order = random(seed, 'distill', 'epoch', epoch).shuffle([...items]);
    found.push(...order.slice(start, start + count - found.length));
  }
  return found;
}
