import type { Image } from './contract.ts';
import { sharp } from './sharp.ts';

/** More than a 100-megapixel photograph is a decompression bomb or a mistake. */
export const maxPixels = 100_000_000;

/**
 * Decodes JPEG, PNG or WebP bytes to 8-bit grey or RGB at full size.
 *
 * Follows what the usual training pipelines (PIL's `convert('RGB')`) do, because that is what a teacher saw: the EXIF
 * rotation and an embedded RGB profile are ignored, and transparency is dropped without blending. 16 bits become 8,
 * CMYK becomes RGB.
 * @throws Error saying why the image is unusable: empty, undecodable, truncated, animated, absurd dimensions.
 */
export async function decodeImage(content: Uint8Array): Promise<Image> {
  if (content.length === 0) throw new Error('the file is empty');
  const { width, height, pages, space } = await sharp(content, { limitInputPixels: false }).metadata();
  if (width * height > maxPixels) {
    throw new Error(`${width}x${height} pixels, more than ${maxPixels / 1e6} million`);
  }
  if (pages !== undefined && pages > 1) throw new Error(`animated (${pages} frames)`);
  const grey = space === 'b-w' || space === 'grey16';
  const { data, info } = await sharp(content, {
    // Truncated data is an error; warnings about harmless oddities (stray bytes, broken EXIF) are not.
    failOn: 'error',
    limitInputPixels: maxPixels,
    // Without its profile CMYK cannot be converted; RGB is taken as it is stored.
    ignoreIcc: space !== 'cmyk',
  })
    .removeAlpha()
    .toColourspace(grey ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 1 && info.channels !== 3) throw new Error(`${info.channels} colour channels`);
  return { width: info.width, height: info.height, channels: info.channels, pixels: data };
}
