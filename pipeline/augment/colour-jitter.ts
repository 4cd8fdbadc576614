import type { Random } from '../util/random.ts';
import { brightness, contrast, saturation } from './enhance.ts';
import type { Picture } from './picture.ts';

/**
 * torchvision's `ColorJitter` with one number, as timm uses it: brightness, contrast and saturation in random order, each by a
 * factor that is uniform in [1 - share, 1 + share].
 */
export function colourJitter(picture: Picture, share: number, chance: Random): Picture {
  return chance
    .shuffle([brightness, contrast, saturation])
    .reduce((made, change) => change(made, 1 - share + 2 * share * chance.next()), picture);
}
