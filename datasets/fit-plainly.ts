import type { Image } from './contract.ts';
import { cropToChannels, resizedSize, type FitGeometry } from './fit-geometry.ts';
import { resample } from './resample.ts';

/**
 * `fitImage` in Pillow's own arithmetic alone, slower and without a library: what browsers prepare images with.
 * @throws Error when the image is too long a strip to resize.
 */
export function fitPlainly(image: Image, geometry: FitGeometry): Uint8Array {
  const { width, height } = resizedSize(image, geometry);
  const same = width === image.width && height === image.height;
  return cropToChannels(same ? image : resample(image, width, height, geometry.interpolation), geometry);
}
