import type * as tf from '@tensorflow/tfjs-core';

/**
 * Shows each batch of pixels [B, S, S, C], and how many images came before it, to `visit`; frees it afterwards, whatever
 * happens. Ends with the batch that makes it `images` or more. -> images seen
 */
export async function visitImages(
  batches: AsyncIterable<tf.Tensor4D>,
  {
    images = Infinity,
    signal,
  }: { readonly images?: number | undefined; readonly signal?: AbortSignal | undefined },
  visit: (pixels: tf.Tensor4D, first: number) => void,
): Promise<number> {
  let seen = 0;
  for await (const pixels of batches) {
    try {
      signal?.throwIfAborted();
      visit(pixels, seen);
      seen += pixels.shape[0];
    } finally {
      pixels.dispose();
    }
    if (seen >= images) break;
  }
  return seen;
}
