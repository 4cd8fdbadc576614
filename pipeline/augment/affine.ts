import type { Picture } from './picture.ts';

/** Where a pixel comes from: that at (x, y), counted at its centre, from (a x + b y + c, d x + e y + f). */
export type AffineMap = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/**
 * A picture of the same size seen through a map, bicubic, `fill` where the map leads outside. The arithmetic of Pillow's
 * `transform(AFFINE, BICUBIC)` to the bit: Keys' kernel with a = -1, borders repeated, truncated. sharp's own has a = -1/2: up to 49 of
 * 255 away from it on a noisy image.
 */
export function affine(picture: Picture, map: AffineMap, fill: readonly number[]): Picture {
  const { pixels: from, height, width, channels } = picture;
  const [a, b, c, d, e, f] = map;
  const pixels = new Uint8Array(from.length);
  const row = width * channels;
  const column = (x: number): number => Math.min(Math.max(x, 0), width - 1) * channels;
  const line = (y: number): number => Math.min(Math.max(y, 0), height - 1) * row;
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += channels) {
      const atX = a * (x + 0.5) + b * (y + 0.5) + c;
      const atY = d * (x + 0.5) + e * (y + 0.5) + f;
      if (!(atX >= 0 && atX < width && atY >= 0 && atY < height)) {
        for (let channel = 0; channel < channels; channel++)
          pixels[to + channel] = fill[channel % fill.length]!;
        continue;
      }
      const left = Math.floor(atX - 0.5);
      const top = Math.floor(atY - 0.5);
      const dx = atX - 0.5 - left;
      const dy = atY - 0.5 - top;
      const [x1, x2, x3, x4] = [column(left - 1), column(left), column(left + 1), column(left + 2)];
      const [y1, y2, y3, y4] = [line(top - 1), line(top), line(top + 1), line(top + 2)];
      for (let k = 0; k < channels; k++) {
        // Shears and shifts along one axis lie on the rows, or on the columns, themselves.
        let value = along(from, y2 + k, x1, x2, x3, x4, dx);
        if (dy !== 0) {
          const above = along(from, y1 + k, x1, x2, x3, x4, dx);
          const below = along(from, y3 + k, x1, x2, x3, x4, dx);
          value = cubic(above, value, below, along(from, y4 + k, x1, x2, x3, x4, dx), dy);
        }
        pixels[to + k] = value <= 0 ? 0 : value >= 255 ? 255 : Math.trunc(value);
      }
    }
  }
  return { ...picture, pixels };
}

/** Within the row that starts at `start`, between its columns `x2` and `x3`. */
function along(
  from: Uint8Array,
  start: number,
  x1: number,
  x2: number,
  x3: number,
  x4: number,
  dx: number,
): number {
  const value = from[start + x2]!;
  return dx === 0 ? value : cubic(from[start + x1]!, value, from[start + x3]!, from[start + x4]!, dx);
}

/** Between `v2` and `v3` at `d`; in this order of operations, as its result is truncated. */
function cubic(v1: number, v2: number, v3: number, v4: number, d: number): number {
  return v2 + d * (v3 - v1 + d * (2 * (v1 - v2) + v3 - v4 + d * (v2 - v1 - v3 + v4)));
}

/** The map that turns a picture against the clock by `degrees` around its centre, as Pillow's `rotate`. */
export function rotation(degrees: number, { height, width }: Pick<Picture, 'height' | 'width'>): AffineMap {
  const angle = (-(((degrees % 360) + 360) % 360) * Math.PI) / 180;
  // Pillow rounds to 15 digits, so that right angles are exact.
  const [cos, sin] = [Number(Math.cos(angle).toFixed(15)), Number(Math.sin(angle).toFixed(15))];
  const [x, y] = [width / 2, height / 2];
  return [cos, sin, cos * -x + sin * -y + x, -sin, cos, -sin * -x + cos * -y + y];
}
