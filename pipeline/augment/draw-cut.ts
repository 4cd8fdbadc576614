import type { Extent } from '../model/family/image-size.ts';
import type { Random } from '../util/random.ts';
import type { Box } from './box.ts';

/**
 * CutMix's rectangle (Yun et al. 2019, as timm's `rand_bbox`): of about the share 1 - lambda of the image, in its proportions, around a
 * pixel anywhere, clipped to the image.
 */
export function drawCut(lambda: number, { height, width }: Extent, chance: Random): Box {
  const ratio = Math.sqrt(1 - lambda);
  const [top, bottom] = clipped(Math.floor(height * ratio), chance.integer(height), height);
  const [left, right] = clipped(Math.floor(width * ratio), chance.integer(width), width);
  return { top, left, height: bottom - top, width: right - left };
}

function clipped(length: number, centre: number, end: number): [number, number] {
  const first = centre - Math.floor(length / 2);
  return [Math.max(0, first), Math.min(end, first + length)];
}
