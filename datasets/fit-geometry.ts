import { extentOf, pixelsPerImage, type Extent } from '../pipeline/model/family/image-size.ts';
import type { Image, Preprocessing } from './contract.ts';

/** The part of a preprocessing that decides the stored pixels; mean and std are applied later, to batches. */
export type FitGeometry = Pick<
  Preprocessing,
  'resize' | 'resizeMode' | 'interpolation' | 'crop' | 'cropRounding' | 'channels'
>;

/** A strip this long resized by its short side would make an enormous image. */
const maxAspect = 50;

export function needsResize(image: Image, geometry: FitGeometry): boolean {
  const { width, height } = resizedSize(image, geometry);
  return width !== image.width || height !== image.height;
}

/** Size after resizing. The longer side is rounded down, as torchvision does. */
export function resizedSize(
  { width, height }: { readonly width: number; readonly height: number },
  { resize, resizeMode }: Pick<FitGeometry, 'resize' | 'resizeMode'>,
): { width: number; height: number } {
  if (resize === null) return { width, height };
  if (resizeMode === 'stretch') return extentOf(resize);
  const long = Math.max(width, height);
  const short = Math.min(width, height);
  if (long > maxAspect * short) throw new Error(`${width}x${height} pixels, a strip`);
  if (typeof resize !== 'number') return covering({ width, height }, extentOf(resize));
  const resizedLong = Math.trunc((resize * long) / short);
  return width <= height ? { width: resize, height: resizedLong } : { width: resizedLong, height: resize };
}

/** The smallest of the image's shape with neither side shorter than `least`, rounded as timm's `ResizeKeepRatio` does. */
function covering(image: Extent, least: Extent): Extent {
  const ratio = Math.min(image.height / least.height, image.width / least.width);
  return { width: halfToEven(image.width / ratio), height: halfToEven(image.height / ratio) };
}

/** Where the crop starts along one side; negative where the side must be padded. Halves round to even, or down. */
export function cropStart(size: number, crop: number, rounding?: 'down'): number {
  if (size < crop) return -Math.floor((crop - size) / 2);
  const half = (size - crop) / 2;
  return rounding === 'down' ? Math.floor(half) : halfToEven(half);
}

/** As Python's `round`. */
function halfToEven(value: number): number {
  return Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value);
}

/** The last steps, of an image that is resized already: centre crop, channels -> uint8 [height, width, C]. */
export function cropToChannels(resized: Image, geometry: FitGeometry): Uint8Array {
  return toChannels(centreCrop(resized, geometry), resized.channels, geometry.channels);
}

function centreCrop(image: Image, { crop, cropRounding }: FitGeometry): Uint8Array {
  const { width, height, channels, pixels } = image;
  const to = extentOf(crop);
  if (width === to.width && height === to.height) return pixels;
  const left = cropStart(width, to.width, cropRounding);
  const top = cropStart(height, to.height, cropRounding);
  const out = new Uint8Array(pixelsPerImage(crop, channels));
  const from = Math.max(0, left);
  const count = Math.min(width, left + to.width) - from;
  for (let y = Math.max(0, top); y < Math.min(height, top + to.height); y++) {
    const row = (y * width + from) * channels;
    out.set(pixels.subarray(row, row + count * channels), ((y - top) * to.width + (from - left)) * channels);
  }
  return out;
}

/** Grey is repeated three times; RGB becomes ITU-R 601 luma in the 16-bit fixed point PIL uses. */
function toChannels(pixels: Uint8Array, from: 1 | 3, to: 1 | 3): Uint8Array {
  if (from === to) return pixels;
  const count = pixels.length / from;
  const out = new Uint8Array(count * to);
  for (let i = 0; i < count; i++) {
    if (to === 3) out.fill(pixels[i]!, 3 * i, 3 * i + 3);
    else {
      const luma = 19595 * pixels[3 * i]! + 38470 * pixels[3 * i + 1]! + 7471 * pixels[3 * i + 2]!;
      out[i] = (luma + 0x8000) >>> 16;
    }
  }
  return out;
}
