import type { Preprocessing } from '../../datasets/contract.ts';

/**
 * A file's bytes to pixels as the models were measured with: decoded, resized, cropped. sharp is loaded on first use, so
 * a device that is only ever sent pixels does without it.
 * @returns uint8 [height, width, C]
 * @throws Error saying why the image is unusable
 */
export async function openImage(
  content: Uint8Array,
  preprocessing: Preprocessing,
  maxPixels: number,
): Promise<Uint8Array> {
  const { decodeImage } = await import('../../datasets/decode-image.ts');
  const { fitImage } = await import('../../datasets/fit-image.ts');
  return fitImage(await decodeImage(content, maxPixels), preprocessing);
}

/** Loads what decodes, with a picture of one pixel: the first real one would wait for it, longer than a deadline. */
export async function warmDecoder(): Promise<void> {
  const { sharp } = await import('../../datasets/sharp.ts');
  const { decodeImage } = await import('../../datasets/decode-image.ts');
  await import('../../datasets/fit-image.ts');
  const pixel = { width: 1, height: 1, channels: 3 as const, background: { r: 0, g: 0, b: 0 } };
  await decodeImage(await sharp({ create: pixel }).png().toBuffer());
}
