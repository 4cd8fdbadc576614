import type { Metadata } from 'sharp';
import type { Image } from './contract.ts';
import { decodeBmp, isBmp } from './decode/bmp.ts';
import { decodePnm, isPnm } from './decode/pnm.ts';
import { sharp } from './sharp.ts';

/** More than a 100-megapixel photograph is a decompression bomb or a mistake. */
export const maxPixels = 100_000_000;

/** What is decoded, whatever a file's name ends with. Not SVG and PDF, which are programs. */
const formats: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif']);

/**
 * Decodes JPEG, PNG, WebP, GIF (the first frame), TIFF, AVIF, BMP or PNM bytes to 8-bit grey or RGB at full size.
 *
 * Gives the very values of what the usual training pipelines do (Pillow's `convert('RGB')`), because that is what a teacher
 * saw: the EXIF rotation and embedded profiles are ignored, transparency is dropped without blending, 16-bit colours are cut
 * to 8, CMYK is converted without a profile. At most 1 of 255 off: 16-bit grey with alpha, AVIF; AVIF with subsampled
 * colours is further off at sharp edges (0.3 on average). Where Pillow's values cannot be had the image is refused.
 * @param most pixels; more are refused before anything is decoded
 * @throws Error saying why the image is unusable: empty, undecodable, truncated, animated, absurd dimensions, 16-bit grey.
 */
export async function decodeImage(content: Uint8Array, most = maxPixels): Promise<Image> {
  const checkSize = sizeCheck(most);
  if (content.length === 0) throw new Error('the file is empty');
  if (isBmp(content)) return decodeBmp(content, checkSize);
  if (isPnm(content)) return decodePnm(content, checkSize);
  const metadata = await sharp(content, { limitInputPixels: false }).metadata();
  checkSize(metadata.width, metadata.height);
  refuseOthers(metadata);
  const { format, space, hasAlpha } = metadata;
  const cmyk = space === 'cmyk';
  const grey = space === 'b-w' || space === 'grey16';
  const decoded = sharp(content, {
    // Truncated data is an error; warnings about harmless oddities (stray bytes, broken EXIF) are not.
    failOn: 'error',
    limitInputPixels: most,
    ignoreIcc: true,
  });
  // What lies under the transparency of a GIF is lost in decoding.
  const keepAlpha = format === 'gif' && hasAlpha;
  // Without this CMYK goes through a profile.
  if (cmyk) decoded.pipelineColourspace('cmyk');
  const { data, info } = await (keepAlpha ? decoded : decoded.removeAlpha())
    .toColourspace(cmyk ? 'cmyk' : grey ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (keepAlpha && channels === 4) return { width, height, channels: 3, pixels: withoutAlpha(data) };
  if (cmyk && channels === 4) return { width, height, channels: 3, pixels: cmykToRgb(data) };
  if (channels !== 1 && channels !== 3) throw new Error(`${channels} colour channels`);
  return { width, height, channels, pixels: data };
}

function sizeCheck(most: number): (width: number, height: number) => void {
  return (width, height) => {
    if (width * height > most) throw new Error(`${width}x${height} pixels, more than ${most / 1e6} million`);
  };
}

function refuseOthers({ format, pages = 1, space, hasAlpha, compression }: Metadata): void {
  if (!formats.has(format)) throw new Error(`${format} is not among the formats that are read`);
  if (format === 'heif' && compression !== 'av1') throw new Error('HEIC is not read');
  if (pages > 1 && format === 'tiff') throw new Error(`a TIFF of ${pages} pages`);
  if (pages > 1 && format !== 'gif') throw new Error(`animated (${pages} frames)`);
  // Its `convert('RGB')` clips these values at 255: a teacher saw white, and versions differ.
  if (space === 'grey16' && !hasAlpha) {
    throw new Error('16-bit grey, which Pillow turns white: convert it to 8 bits');
  }
}

/** RGBA -> RGB. @throws Error where a pixel is transparent */
function withoutAlpha(rgba: Uint8Array): Uint8Array {
  const pixels = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, to = 0; i < rgba.length; i += 4) {
    if (rgba[i + 3] !== 255)
      throw new Error('a GIF with transparent pixels, whose colours are lost in decoding');
    for (let c = 0; c < 3; c++) pixels[to++] = rgba[i + c]!;
  }
  return pixels;
}

/** As Pillow: (255 - K) less its share C / 255, in 8-bit fixed point, without a profile. */
function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const pixels = new Uint8Array((cmyk.length / 4) * 3);
  for (let i = 0, to = 0; i < cmyk.length; i += 4) {
    const light = 255 - cmyk[i + 3]!;
    for (let c = 0; c < 3; c++) {
      const product = cmyk[i + c]! * light + 128;
      pixels[to++] = light - (((product >> 8) + product) >> 8);
    }
  }
  return pixels;
}
