/** Of images in pixels: one number for a square, else [height, width]. Squares are never pairs, so equal sizes have one form. */
export type ImageSize = number | readonly [height: number, width: number];

export interface Extent {
  readonly height: number;
  readonly width: number;
}

export function extentOf(size: ImageSize): Extent {
  return typeof size === 'number' ? { height: size, width: size } : { height: size[0], width: size[1] };
}

export function imageSizeOf({ height, width }: Extent): ImageSize {
  return height === width ? height : [height, width];
}

export function isSameSize(a: ImageSize, b: ImageSize): boolean {
  const [one, other] = [extentOf(a), extentOf(b)];
  return one.height === other.height && one.width === other.width;
}

/** False where a crop would reach beyond the resized image, which makes black borders. */
export function covers(resize: ImageSize, crop: ImageSize): boolean {
  const [outer, inner] = [extentOf(resize), extentOf(crop)];
  return outer.height >= inner.height && outer.width >= inner.width;
}

/** `224`, or `128 x 256`: height, then width. */
export function imageSizeText(size: ImageSize): string {
  const { height, width } = extentOf(size);
  return height === width ? String(height) : `${height} x ${width}`;
}

/** Values of one image. */
export function pixelsPerImage(size: ImageSize, channels: number): number {
  const { height, width } = extentOf(size);
  return channels * height * width;
}

/** Rows and columns of patches; null where they do not divide the image. */
export function patchGrid(size: ImageSize, patchSize: number): Extent | null {
  const { height, width } = extentOf(size);
  if (height % patchSize !== 0 || width % patchSize !== 0) return null;
  return { height: height / patchSize, width: width / patchSize };
}
