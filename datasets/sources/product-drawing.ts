import type { Random } from '../../pipeline/util/random.ts';
import { bell } from './bell.ts';
import { gradedCanvas, paintLine, type Canvas, type Colour, type Point } from './canvas.ts';
import { digitStrokes } from './digit-strokes.ts';

/** The last digit of the product of the two bright digits of an image. */
export const productClasses: readonly string[] = Array.from({ length: 10 }, (_, last) => String(last));

/** By class, the pairs of digits whose product ends so. */
export const pairsByClass = productClasses.map((_, label) =>
  Array.from({ length: 100 }, (__, pair) => [Math.floor(pair / 10), pair % 10] as const).filter(
    ([first, second]) => (first * second) % 10 === label,
  ),
);

/** The picture is laid out in units of this many to a side: two rows and two columns of cells of 16. */
const side = 32;
const cell = 16;
/** Standard deviation of the noise, in grey levels, at `noise: 1`. */
const fullNoise = 80;
/** Lightness of what is to be multiplied and of what is not. */
const bright: readonly [number, number] = [0.75, 0.95];
const dark: readonly [number, number] = [0.05, 0.22];

/**
 * One image, uint8 [size, size, 3]: four digits in two rows, each a little turned, slanted, moved and of a width of its own,
 * on a graded background with up to one stray stroke, then noise of each pixel. Two are bright, and their
 * product ends with the label; two are dark and mean nothing. So every digit must be read, its brightness with it, and what they make
 * together is far from any sum of what each says: work for the feed-forward blocks.
 */
export function drawProduct(
  label: number,
  random: Random,
  { size, noise }: { size: number; noise: number },
): Uint8Array {
  const pairs = pairsByClass[label]!;
  const [first, second] = pairs[random.integer(pairs.length)]!;
  const canvas = gradedCanvas(
    size,
    colour(random, 0.38, 0.62),
    colour(random, 0.38, 0.62),
    random.next() * 2 * Math.PI,
  );
  if (random.next() < 0.5) paintStray(canvas, random);
  const cells = random.shuffle([0, 1, 2, 3]);
  for (const [place, digit, lightness] of [
    [cells[0]!, first, bright],
    [cells[1]!, second, bright],
    [cells[2]!, random.integer(digitStrokes.length), dark],
    [cells[3]!, random.integer(digitStrokes.length), dark],
  ] as const) {
    paintDigit(canvas, digit, place, colour(random, ...lightness), random);
  }
  return withNoise(canvas.pixels, noise * fullNoise, random);
}

/** @param place 0 to 3, row by row */
function paintDigit(canvas: Canvas, digit: number, place: number, ink: Colour, random: Random): void {
  const scale = canvas.size / side;
  const x = ((place % 2) + 0.5) * cell + between(random, -1.2, 1.2);
  const y = (Math.floor(place / 2) + 0.5) * cell + between(random, -1, 1);
  const [height, width] = [between(random, 10, 13), between(random, 7, 10)];
  const [turn, slant] = [between(random, -0.2, 0.2), between(random, -0.2, 0.2)];
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const strokes = digitStrokes[digit]!;
  const points = Array.from({ length: strokes.length / 2 }, (_, i): Point => {
    const down = (strokes[2 * i + 1]! - 0.5) * height;
    const across = (strokes[2 * i]! - 0.5) * width - slant * down;
    return [(x + across * cos - down * sin) * scale, (y + across * sin + down * cos) * scale];
  });
  paintLine(canvas, points, between(random, 0.7, 1.1) * scale, ink);
}

/** A short straight stroke anywhere, that belongs to no digit. */
function paintStray(canvas: Canvas, random: Random): void {
  const scale = canvas.size / side;
  const [x, y] = [random.next() * canvas.size, random.next() * canvas.size];
  const [angle, length] = [random.next() * 2 * Math.PI, between(random, 3, 8) * scale];
  const end: Point = [x + length * Math.cos(angle), y + length * Math.sin(angle)];
  const ink = random.next() < 0.5 ? colour(random, ...bright) : colour(random, ...dark);
  paintLine(canvas, [[x, y], end], between(random, 0.5, 0.9) * scale, ink);
}

/** Of any hue, with a lightness between the two. */
function colour(random: Random, darkest: number, brightest: number): Colour {
  const lightness = between(random, darkest, brightest);
  const chroma = (1 - Math.abs(2 * lightness - 1)) * between(random, 0.2, 0.8);
  const hue = random.next() * 6;
  const channel = (offset: number): number => {
    const share = Math.min(1, Math.max(0, Math.abs(((hue + offset) % 6) - 3) - 1));
    return (lightness + chroma * (share - 0.5)) * 255;
  };
  return [channel(0), channel(4), channel(2)];
}

/** Rounded to bytes; all channels of a pixel share its noise. */
function withNoise(values: Float32Array, deviation: number, random: Random): Uint8Array {
  const pixels = new Uint8Array(values.length);
  for (let at = 0; at < values.length; at += 3) {
    const noise = bell(random) * deviation;
    for (let channel = at; channel < at + 3; channel++) {
      const value = values[channel]! + noise;
      pixels[channel] = value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
    }
  }
  return pixels;
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.next();
}
