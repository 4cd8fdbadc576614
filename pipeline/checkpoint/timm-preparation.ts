import { interpolations, type Preprocessing } from '../../datasets/contract.ts';
import { forChannels, imagenetStatistics, resizedFor } from '../../datasets/preprocessing.ts';
import { imageSizeText, isSameSize, type ImageSize } from '../model/architecture.ts';
import { meaningOf, positiveOf, refuseField, sizeIn3, valueOf, type Document } from './document.ts';
import type { PreparedModel } from './side-facts.ts';
import { statisticsOf } from './statistics-of.ts';

const filters = Object.fromEntries(interpolations.map((name) => [name, name]));
const modes = { center: 'shortest', squash: 'stretch' } as const;

/**
 * What timm's `resolve_data_config` and `create_transform` make of a model of this size, its defaults included.
 * @param pretrained its `pretrained_cfg`
 * @param args its `model_args`, whose img_size goes before the sizes of `pretrained_cfg`
 * @returns undefined where nothing of this is told
 * @throws BlockForgeError `checkpoint-unsupported`, naming the field
 */
export function timmPreparation(
  pretrained: Document,
  args: Document,
  { imageSize, channels, isSizeVouched }: PreparedModel,
): Preprocessing | undefined {
  const told = ['mean', 'std', 'interpolation', 'crop_pct', 'crop_mode', 'input_size'];
  if (told.every((field) => valueOf(pretrained, field) === undefined)) return undefined;
  const input = sizeIn3(pretrained, 'input_size');
  const test = sizeIn3(pretrained, 'test_input_size');
  const isOwn = valueOf(args, 'img_size') !== undefined || isSizeVouched;
  const isTest = !isOwn && test !== undefined && isSameSize(test, imageSize) && !isSame(input, imageSize);
  if (!isOwn && !isTest && input !== undefined && !isSameSize(input, imageSize)) {
    refuseField(
      pretrained,
      'input_size',
      `${imageSizeText(imageSize)}, whose positions the weights have; timm would interpolate them`,
      `${pretrained.prefix}input_size of ${imageSizeText(input)} pixels, and no model_args.img_size`,
    );
  }
  const share =
    (isTest ? positiveOf(pretrained, 'test_crop_pct') : undefined) ??
    positiveOf(pretrained, 'crop_pct') ??
    0.875;
  if (share > 1) refuseField(pretrained, 'crop_pct', 'at most 1: a larger crop has black borders');
  const resizeMode = meaningOf(pretrained, 'crop_mode', modes) ?? 'shortest';
  const resize = resizedFor(imageSize, share);
  // timm passes its interpolation to every resizing but this one, which has its own default.
  const isCovering = typeof resize !== 'number' && resizeMode === 'shortest';
  const interpolation = meaningOf(pretrained, 'interpolation', filters) ?? 'bicubic';
  const statistics = {
    mean: statisticsOf(pretrained, 'mean', channels) ?? imagenetStatistics.mean,
    std: statisticsOf(pretrained, 'std', channels) ?? imagenetStatistics.std,
  };
  return {
    resize,
    resizeMode,
    interpolation: isCovering ? 'bilinear' : interpolation,
    crop: imageSize,
    channels,
    ...forChannels(statistics, channels),
  };
}

function isSame(size: ImageSize | undefined, other: ImageSize): boolean {
  return size !== undefined && isSameSize(size, other);
}
