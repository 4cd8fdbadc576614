import { readFile } from 'node:fs/promises';
import type { Preprocessing } from '../../datasets/contract.ts';
import { fail } from '../util/failure.ts';
import { pixelsPerImage } from '../model/architecture.ts';
import { toPlanes } from './to-planes.ts';

/** An encoded image (JPEG, PNG, WebP): a path, or its bytes. */
export type EncodedImage = string | Uint8Array;

/**
 * Decodes and preprocesses as the teacher was measured. sharp is loaded on first use, so whoever hands in pixels does
 * not need it.
 * @returns [B, C, height, width], normalised
 * @throws BlockForgeError `file-missing`, `data-invalid`, naming the image
 */
export async function preprocessImages(
  images: readonly EncodedImage[],
  preprocessing: Preprocessing,
): Promise<Float32Array> {
  const { decodeImage } = await import('../../datasets/decode-image.ts');
  const { fitImage } = await import('../../datasets/fit-image.ts');
  const { normalise } = await import('../../datasets/normalise.ts');
  const { crop, channels } = preprocessing;
  const size = pixelsPerImage(crop, channels);
  const result = new Float32Array(images.length * size);
  await Promise.all(
    images.map(async (image, index) => {
      const name = typeof image === 'string' ? image : `image ${index}`;
      const content = typeof image === 'string' ? await readImage(image) : image;
      try {
        const pixels = await fitImage(await decodeImage(content), preprocessing);
        result.set(toPlanes(normalise(pixels, preprocessing), channels), index * size);
      } catch (error) {
        fail({ reason: 'data-invalid', subject: name, found: (error as Error).message }, error);
      }
    }),
  );
  return result;
}

async function readImage(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: unknown) =>
    fail({ reason: 'file-missing', subject: path, found: (error as Error).message }, error),
  );
}
