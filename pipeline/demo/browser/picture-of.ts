import type { Picture } from './messages.ts';

/** Larger ones take a browser's memory; a photograph of today has a tenth of it. */
const mostPixels = 100e6;

/**
 * The pixels of an image file: its colour profile is left aside, as the pipeline does; turned as its EXIF data say, as browsers do.
 * @throws Error where the browser does not read it
 */
export async function pictureOfFile(file: Blob): Promise<Picture> {
  const bitmap = await createImageBitmap(file, {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  }).catch(() => {
    throw new Error('this browser cannot read that as an image');
  });
  try {
    return pictureOf(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

/** What an image or the camera shows at this moment. */
export function pictureOf(source: CanvasImageSource, width: number, height: number): Picture {
  if (width * height > mostPixels) throw new Error(`${width} x ${height} pixels are too many`);
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) throw new Error('this browser gives no canvas');
  context.drawImage(source, 0, 0);
  return { width, height, rgba: context.getImageData(0, 0, width, height).data };
}
