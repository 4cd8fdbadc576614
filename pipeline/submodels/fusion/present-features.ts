import { placesOf } from './places.ts';
import type { Random } from '../../util/random.ts';

/**
 * Which features of a batch are there, [count, F]: ones, and zeros where chance leaves one sub-model of an image out.
 * @param absence share of the images that miss one
 */
export function presentFeatures(
  count: number,
  widths: readonly number[],
  absence: number,
  chance: Random,
): Float32Array {
  const width = widths.reduce((sum, own) => sum + own, 0);
  const places = placesOf(widths);
  const present = new Float32Array(count * width).fill(1);
  for (let row = 0; row < count; row++) {
    if (chance.next() >= absence) continue;
    const [start, end] = places[chance.integer(widths.length)]!;
    present.fill(0, row * width + start, row * width + end);
  }
  return present;
}
