/** One image on the host: [height, width, channels], uint8. */
export interface Picture {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
}

/** Light per pixel, [height, width]: ITU-R 601 in the integers of Pillow's `convert('L')`; a grey image's own values. */
export function lightness({ pixels, channels }: Picture): Uint8Array {
  if (channels === 1) return pixels;
  const light = new Uint8Array(pixels.length / 3);
  for (let i = 0, at = 0; i < light.length; i++, at += 3) {
    light[i] = (pixels[at]! * 19595 + pixels[at + 1]! * 38470 + pixels[at + 2]! * 7471 + 0x8000) >> 16;
  }
  return light;
}
