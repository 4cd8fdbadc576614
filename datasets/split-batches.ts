import { pixelsPerImage } from '../pipeline/model/family/image-size.ts';
import { mapConcurrent } from './concurrent.ts';
import type { RawBatch, SplitItem } from './contract.ts';
import type { Preparer } from './prepare.ts';

/** Batches decoded ahead of the one in use: decoding overlaps with computing, memory stays bounded. */
const ahead = 2;

/**
 * The images of a split in order, as batches of `batchSize` (the last may be smaller), decoded ahead of use.
 * @throws BlockForgeError `data-invalid` while iterating, naming an image that cannot be read any more.
 */
export async function* splitBatches(
  items: readonly SplitItem[],
  preparer: Preparer,
  options: {
    readonly batchSize: number;
    readonly signal?: AbortSignal | undefined;
  },
): AsyncGenerator<RawBatch, void, undefined> {
  const { batchSize, signal } = options;
  const pending: Promise<RawBatch>[] = [];
  let next = 0;
  const startNext = () => {
    if (next >= items.length) return;
    const batch = loadSplit(items.slice(next, next + batchSize), preparer, { signal });
    // A batch decoded ahead may fail while another is in use; the error is met when its turn comes.
    batch.catch(() => {});
    pending.push(batch);
    next += batchSize;
  };
  for (let i = 0; i < ahead; i++) startNext();
  for (let first = pending.shift(); first !== undefined; first = pending.shift()) {
    const batch = await first;
    startNext();
    yield batch;
  }
}

/** Items as one batch in memory: height * width * C bytes per image. */
export async function loadSplit(
  items: readonly SplitItem[],
  preparer: Preparer,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<RawBatch> {
  const { crop: size, channels } = preparer.preprocessing;
  const imageBytes = pixelsPerImage(size, channels);
  const pixels = new Uint8Array(items.length * imageBytes);
  const labels = Int32Array.from(items, ({ label }) => label);
  const indices = Array.from(items, (_, index) => index);
  await mapConcurrent(
    indices,
    async (index) => pixels.set(await preparer.pixels(items[index]!), index * imageBytes),
    { signal },
  );
  return { ids: items.map(({ id }) => id), labels, pixels, count: items.length, size, channels };
}
