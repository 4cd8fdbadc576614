import type { Random } from '../util/random.ts';
import type { Picture } from './picture.ts';
import { randOperations } from './rand-operations.ts';
import type { AugmentSettings } from './schema.ts';

const all = Object.values(randOperations);
const probability = 0.5;
const mostMagnitude = 10;

/**
 * RandAugment (Cubuk et al. 2020) as timm's `rand-m9-mstd0.5-inc1`: operations are drawn with replacement, each is done with
 * probability 1/2, its magnitude is normal around the set one, within 0 and 10.
 */
export function randAugment(
  picture: Picture,
  { operations, magnitude, deviation }: NonNullable<AugmentSettings['randAugment']>,
  chance: Random,
  fill: readonly number[],
): Picture {
  const drawn = Array.from({ length: operations }, () => all[chance.integer(all.length)]!);
  return drawn.reduce((made, { strength, apply }) => {
    if (chance.next() > probability) return made;
    const noisy = magnitude + (deviation > 0 ? deviation * chance.normal() : 0);
    const share = Math.min(Math.max(noisy, 0), mostMagnitude) / mostMagnitude;
    return apply(made, strength?.(share, chance) ?? 0, fill);
  }, picture);
}
