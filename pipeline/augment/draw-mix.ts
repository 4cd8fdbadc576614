import { extentOf, type ImageSize } from '../model/family/image-size.ts';
import type { Random } from '../util/random.ts';
import type { Box } from './box.ts';
import { drawBeta } from './draw-beta.ts';
import { drawCut } from './draw-cut.ts';
import type { AugmentSettings } from './schema.ts';

/** How the images of a batch are mixed: each with the one at its place counted from the end. */
export interface Mix {
  /** Share of the image itself, of its pixels and of its label; 1: nothing is mixed. */
  readonly lambda: number;
  /** CutMix: this part of each image is the other's. Absent: mixup, sums of both. */
  readonly box?: Box | undefined;
  /** Share of the labels that is spread over all outputs. */
  readonly smoothing: number;
}

/**
 * How to mix a batch of `count` images of `size`: mixup (Zhang et al. 2018) or CutMix (Yun et al. 2019), one draw for the whole
 * batch, as timm's `Mixup` does in its mode `batch`. CutMix's lambda is corrected to the area that the image has left.
 * An image alone is not mixed.
 */
export function drawMix(
  count: number,
  size: ImageSize,
  settings: Pick<AugmentSettings, 'mixup' | 'cutmix' | 'mixProbability' | 'switchProbability' | 'smoothing'>,
  chance: Random,
): Mix {
  const { mixup, cutmix, mixProbability, switchProbability, smoothing } = settings;
  const isOff = count < 2 || (mixup === 0 && cutmix === 0);
  if (isOff || chance.next() >= mixProbability) return { lambda: 1, smoothing };
  const cuts = cutmix > 0 && (mixup === 0 || chance.next() < switchProbability);
  const lambda = drawBeta(cuts ? cutmix : mixup, chance);
  if (!cuts) return { lambda, smoothing };
  const { height, width } = extentOf(size);
  const box = drawCut(lambda, { height, width }, chance);
  return { lambda: 1 - (box.height * box.width) / (height * width), box, smoothing };
}
