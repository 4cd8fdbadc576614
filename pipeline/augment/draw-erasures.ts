import { extentOf, type ImageSize } from '../model/family/image-size.ts';
import type { Random } from '../util/random.ts';
import type { Box } from './box.ts';
import type { AugmentSettings } from './schema.ts';

/** What replaces a part of one image of a batch. */
export interface Erasure {
  /** Place in the batch. */
  readonly image: number;
  readonly box: Box;
  /** [box height, box width, C]: standard normal, in units of normalised pixels. */
  readonly noise: Float32Array;
}

/** Of the image's area, and height by width: the values of timm's `RandomErasing`. */
const area = { least: 0.02, most: 1 / 3 };
const aspect = { least: 0.3, most: 1 / 0.3 };
const attempts = 10;

/**
 * Random erasing (Zhong et al. 2020) as timm's `RandomErasing` in its mode `pixel`: in each image with the set probability a rectangle of
 * 2 to 33 % of its area, of 0.3 to 3.3 times as high as wide, is noise. At most one of each image; none where ten draws did not fit.
 */
export function drawErasures(
  count: number,
  size: ImageSize,
  channels: number,
  { erase }: Pick<AugmentSettings, 'erase'>,
  chance: Random,
): readonly Erasure[] {
  if (erase.probability === 0) return [];
  return Array.from({ length: count }, (_, image) => image).flatMap((image) => {
    if (chance.next() >= erase.probability) return [];
    const box = drawBox(size, chance);
    if (box === undefined) return [];
    const noise = Float32Array.from({ length: box.height * box.width * channels }, () => chance.normal());
    return [{ image, box, noise }];
  });
}

function drawBox(size: ImageSize, chance: Random): Box | undefined {
  const { height, width } = extentOf(size);
  const between = (least: number, most: number) => least + chance.next() * (most - least);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const pixels = between(area.least, area.most) * height * width;
    const ratio = Math.exp(between(Math.log(aspect.least), Math.log(aspect.most)));
    const box = {
      height: Math.round(Math.sqrt(pixels * ratio)),
      width: Math.round(Math.sqrt(pixels / ratio)),
    };
    if (box.height >= height || box.width >= width) continue;
    return {
      top: chance.integer(height - box.height + 1),
      left: chance.integer(width - box.width + 1),
      ...box,
    };
  }
  return undefined;
}
