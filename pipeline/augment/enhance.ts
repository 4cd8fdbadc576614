import { lightness, type Picture } from './picture.ts';

/*
 * Operations that blend a picture with one that lacks something, those of Pillow's `ImageEnhance`: with factor 0 it lacks it
 * wholly, with 1 it is as it was, above 1 it has more of it than it had.
 */

/** Lacks light. */
export function brightness(picture: Picture, factor: number): Picture {
  return blend(picture, factor, new Uint8Array(picture.pixels.length));
}

/** Lacks differences of light: grey of the mean lightness. */
export function contrast(picture: Picture, factor: number): Picture {
  const light = lightness(picture);
  let sum = 0;
  for (const value of light) sum += value;
  const mean = Math.trunc(sum / light.length + 0.5);
  return blend(picture, factor, new Uint8Array(picture.pixels.length).fill(mean));
}

/** Lacks colour. A grey image stays as it is. */
export function saturation(picture: Picture, factor: number): Picture {
  if (picture.channels === 1) return picture;
  const grey = new Uint8Array(picture.pixels.length);
  lightness(picture).forEach((light, at) => grey.fill(light, 3 * at, 3 * at + 3));
  return blend(picture, factor, grey);
}

/** Lacks detail: the mean of 3 x 3 pixels, the middle one counted five times; the outermost pixels stay. */
export function sharpness(picture: Picture, factor: number): Picture {
  const { pixels, height, width, channels } = picture;
  const row = width * channels;
  const smooth = pixels.slice();
  for (let y = 1; y < height - 1; y++) {
    for (let at = y * row + channels; at < (y + 1) * row - channels; at++) {
      let sum = 4 * pixels[at]!;
      for (let from = at - row; from <= at + row; from += row) {
        sum += pixels[from - channels]! + pixels[from]! + pixels[from + channels]!;
      }
      smooth[at] = Math.round(sum / 13);
    }
  }
  return blend(picture, factor, smooth);
}

/** In float32 and truncated, as Pillow's. */
function blend(picture: Picture, factor: number, lacking: Uint8Array): Picture {
  const share = Math.fround(factor);
  const pixels = new Uint8ClampedArray(picture.pixels.length);
  for (let at = 0; at < pixels.length; at++) {
    const base = lacking[at]!;
    pixels[at] = Math.trunc(Math.fround(base + Math.fround(share * (picture.pixels[at]! - base))));
  }
  return { ...picture, pixels: new Uint8Array(pixels.buffer) };
}
