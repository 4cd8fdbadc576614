/** Red, green and blue on the 0..255 scale. */
export type Colour = readonly [number, number, number];
export type Point = readonly [x: number, y: number];

/**
 * A picture being painted, size x size x 3, in plain arithmetic: the same numbers on every machine. Places are in pixels
 * from the left upper corner.
 */
export interface Canvas {
  readonly size: number;
  readonly pixels: Float32Array;
}

/** Fades from one colour to the other across the picture, in the direction of `angle` (radians). */
export function gradedCanvas(size: number, from: Colour, to: Colour, angle: number): Canvas {
  const pixels = new Float32Array(size * size * 3);
  const [across, down] = [Math.cos(angle) / size, Math.sin(angle) / size];
  let at = 0;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const share = within01(0.5 + (x - size / 2) * across + (y - size / 2) * down);
      for (let channel = 0; channel < 3; channel++) {
        pixels[at++] = from[channel]! + (to[channel]! - from[channel]!) * share;
      }
    }
  }
  return { size, pixels };
}

/**
 * Paints the line through `points` with round ends, `radius` to either side; edges fade over one pixel. Covered is what the
 * nearest part of the line covers, so that bends and crossings are no darker than the rest.
 */
export function paintLine(
  { size, pixels }: Canvas,
  points: readonly Point[],
  radius: number,
  colour: Colour,
): void {
  const cover = new Float32Array(size * size);
  const reach = radius + 1;
  for (let i = 1; i < points.length; i++) {
    const [x0, y0] = points[i - 1]!;
    const [x1, y1] = points[i]!;
    const [dx, dy] = [x1 - x0, y1 - y0];
    const squared = dx * dx + dy * dy;
    const [left, right] = span(x0, x1, reach, size);
    const [top, bottom] = span(y0, y1, reach, size);
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
        const along = squared === 0 ? 0 : within01((px * dx + py * dy) / squared);
        const [ex, ey] = [px - along * dx, py - along * dy];
        const share = within01(radius + 0.5 - Math.sqrt(ex * ex + ey * ey));
        if (share > cover[y * size + x]!) cover[y * size + x] = share;
      }
    }
  }
  cover.forEach((share, place) => {
    if (share === 0) return;
    for (let channel = 0; channel < 3; channel++) {
      const at = place * 3 + channel;
      pixels[at]! += (colour[channel]! - pixels[at]!) * share;
    }
  });
}

/** First and last pixel of a row or column that the stretch between two places can reach. */
function span(one: number, other: number, reach: number, size: number): readonly [number, number] {
  const low = Math.floor(Math.min(one, other) - reach);
  const high = Math.ceil(Math.max(one, other) + reach);
  return [Math.max(0, low), Math.min(size - 1, high)];
}

function within01(value: number): number {
  return value < 0 ? 0 : value > 1 ? 1 : value;
}
