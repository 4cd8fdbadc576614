import { random } from '../../util/random.ts';
import { placesByClass } from './places-by-class.ts';

/** Places of images, ascending. */
export interface DividedImages {
  readonly training: Uint32Array;
  readonly heldOut: Uint32Array;
}

/**
 * Holds out the same share of every class (at least one image of a class that has two): the same images for the same
 * labels, share and seed, whatever part of the classes a sub-model knows, so that a fusion may be judged on them too.
 */
export function divideImages(labels: ArrayLike<number>, share: number, seed: number): DividedImages {
  const heldOut = new Set<number>();
  for (const [label, places] of placesByClass(labels)) {
    const count = Math.min(places.length - 1, Math.max(1, Math.round(share * places.length)));
    const shuffled = random(seed, 'sub-models', 'held-out', label).shuffle([...places]);
    for (const place of shuffled.slice(0, count)) heldOut.add(place);
  }
  const all = Uint32Array.from(labels, (_, place) => place);
  return {
    training: all.filter((place) => !heldOut.has(place)),
    heldOut: all.filter((place) => heldOut.has(place)),
  };
}
