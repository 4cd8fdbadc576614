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
