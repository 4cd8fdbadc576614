import type { Random } from '../util/random.ts';
import { affine, rotation } from './affine.ts';
import { brightness, contrast, saturation, sharpness } from './enhance.ts';
import type { Picture } from './picture.ts';
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from './tones.ts';

/** How far an operation goes, given the magnitude from 0 to 1. */
type Strength = (magnitude: number, chance: Random) => number;

/** An operation of RandAugment. */
export interface RandOperation {
  /** Absent where there is nothing to choose. */
  readonly strength?: Strength;
  readonly apply: (picture: Picture, strength: number, fill: readonly number[]) => Picture;
}

const eitherWay = (value: number, chance: Random): number => (chance.next() > 0.5 ? -value : value);
/** Up to so much, either way. */
const upTo =
  (most: number): Strength =>
  (magnitude, chance) =>
    eitherWay(magnitude * most, chance);
/** The factor of a blend: away from 1, either way. */
const fromOne: Strength = (magnitude, chance) => Math.max(0.1, 1 + eitherWay(magnitude * 0.9, chance));

/**
 * The operations of timm's `_RAND_INCREASING_TRANSFORMS` in its order: with a larger magnitude all of them do more. Degrees,
 * shears by pixels per pixel, shifts by shares of the image.
 */
export const randOperations: Readonly<Record<string, RandOperation>> = Object.freeze({
  AutoContrast: { apply: autoContrast },
  Equalize: { apply: equalize },
  Invert: { apply: invert },
  Rotate: {
    strength: upTo(30),
    apply: (picture, degrees, fill) => affine(picture, rotation(degrees, picture), fill),
  },
  Posterize: { strength: (magnitude) => 4 - Math.trunc(magnitude * 4), apply: posterize },
  Solarize: { strength: (magnitude) => 256 - Math.trunc(magnitude * 256), apply: solarize },
  SolarizeAdd: { strength: (magnitude) => Math.trunc(magnitude * 110), apply: solarizeAdd },
  Colour: { strength: fromOne, apply: saturation },
  Contrast: { strength: fromOne, apply: contrast },
  Brightness: { strength: fromOne, apply: brightness },
  Sharpness: { strength: fromOne, apply: sharpness },
  ShearX: {
    strength: upTo(0.3),
    apply: (picture, by, fill) => affine(picture, [1, by, 0, 0, 1, 0], fill),
  },
  ShearY: {
    strength: upTo(0.3),
    apply: (picture, by, fill) => affine(picture, [1, 0, 0, by, 1, 0], fill),
  },
  TranslateX: {
    strength: upTo(0.45),
    apply: (picture, by, fill) => affine(picture, [1, 0, by * picture.width, 0, 1, 0], fill),
  },
  TranslateY: {
    strength: upTo(0.45),
    apply: (picture, by, fill) => affine(picture, [1, 0, 0, 0, 1, by * picture.height], fill),
  },
});
