import type { Image, Preprocessing } from './contract.ts';
import { cropToChannels, resizedSize, type FitGeometry } from './fit-geometry.ts';
import { resample } from './resample.ts';
import { sharp } from './sharp.ts';

/** Raise when the pixels that `fitImage` makes change: cached images of the old version are then not found. */
export const fitVersion = 2;

const kernels = { bicubic: 'cubic', bilinear: 'linear', lanczos: 'lanczos3' } as const;

/**
 * Resize, centre crop, channel conversion: `Image` -> uint8 [height, width, C] of the size `crop`.
 * Sizes and crop offsets round as torchvision's `Resize` and `CenterCrop` do, including black padding where the
 * image is smaller than the crop. Kernels widen when shrinking (antialias), as PIL's do.
 * @throws Error when the image is too long a strip to resize.
 */
export async function fitImage(image: Image, geometry: FitGeometry): Promise<Uint8Array> {
  const { width, height } = resizedSize(image, geometry);
  const resized =
    width === image.width && height === image.height
      ? image
      : await resizeTo(image, width, height, geometry.interpolation);
  return cropToChannels(resized, geometry);
}

/** sharp where it agrees with PIL (shrinking: fast, off this thread), the exact arithmetic elsewhere. */
async function resizeTo(
  image: Image,
  toWidth: number,
  toHeight: number,
  interpolation: Preprocessing['interpolation'],
): Promise<Image> {
  const { width, height, channels, pixels } = image;
  const enlarges = toWidth > width || toHeight > height;
  if (enlarges || !(interpolation in kernels)) return resample(image, toWidth, toHeight, interpolation);
  const { data, info } = await sharp(pixels, { raw: { width, height, channels }, limitInputPixels: false })
    .resize(toWidth, toHeight, { fit: 'fill', kernel: kernels[interpolation as keyof typeof kernels] })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels, pixels: data };
}
