import type { Preprocessing } from '../../datasets/contract.ts';
import { clipStatistics, imagenetStatistics, resizedFor } from '../../datasets/preprocessing.ts';

/** What images go through before a model sees them, but for its size. */
interface Preparation {
  readonly statistics: Pick<Preprocessing, 'mean' | 'std'>;
  /** Of each side of the resized image that the model sees. Default: of 224 pixels and less 0.9, of more all. */
  readonly share?: number | undefined;
  /** timm's crop_mode squash. Default: the shortest side is resized, and the middle cut out. */
  readonly resizeMode?: 'stretch';
  /** Default: bicubic. */
  readonly interpolation?: 'bilinear';
}

const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const unit = { mean: [0, 0, 0], std: [1, 1, 1] };
const satellite = { mean: [0.43, 0.411, 0.296], std: [0.213, 0.156, 0.143] };

const of = (
  statistics: Preparation['statistics'],
  share?: number,
  others?: Pick<Preparation, 'resizeMode' | 'interpolation'>,
): Preparation => ({ statistics, share, ...others });

const squash = { resizeMode: 'stretch' } as const;

/**
 * By name and tag, a name alone meaning the tag that it means to timm: of several patterns that fit, the first. What is in none was
 * published in several ways or not at all. Facts: timm 1.0.29's `pretrained_cfg`, as `test/fixtures/architectures/make-images.py` writes
 * them.
 */
const published: readonly (readonly [pattern: RegExp, preparation: Preparation])[] = [
  // Older names have tags behind an underscore.
  [/^vit_base_patch16_224_miil/, of(unit, 0.875, { interpolation: 'bilinear' })],
  [/^vit_small_patch8_224|^vit_[a-z]+_patch\d+_224[._](?:dino|mae)$/, of(imagenetStatistics)],
  [/^vit_(?:tiny|small|base|large|huge)_patch\d+_\d+(?:$|[._](?:augreg|orig|sam|in21k))/, of(half)],
  [/^flexivit_/, of(half, 0.95)],
  [/^deit3_\w+\.fb_in22k_ft_in1k$/, of(imagenetStatistics, 1)],
  [/^(?:deit3?|swin)_/, of(imagenetStatistics)],
  [/^beit_/, of(half)],
  [/^beitv2_large_.*_(?:224|in1k)$/, of(imagenetStatistics, 0.95)],
  [/^beitv2_/, of(imagenetStatistics)],

  [/_dinov3\w*\.sat493m$/, of(satellite, 1)],
  [/_dinov[23]/, of(imagenetStatistics, 1)],
  [/_tipsv2/, of(unit, 1)],
  [/_lingbot/, of(imagenetStatistics, 1, { ...squash, interpolation: 'bilinear' })],
  [/^vit_(?:huge|giant)_patch1[46]_gap_224/, of(imagenetStatistics, 0.9)],
  [/^vit_huge_patch16_gap_448/, of(imagenetStatistics, 1)],

  [/_large_patch14_clip_224(?:$|\.laion2b)/, of(half, 1)],
  [/_large_patch14_clip_336(?:$|\.laion2b)/, of(half, 1, squash)],
  [/_base_patch16_clip_224(?:$|\.(?:laion2b|openai)_ft_in12k_in1k)/, of(clipStatistics, 0.95)],
  [/_base_patch16_clip_224\.(?:laion2b_ft_in12k|openai(?:_ft_in12?k)?)$/, of(clipStatistics, 0.9)],
  [/_base_patch16_clip_quickgelu_224\.openai/, of(clipStatistics, 0.9)],
  [/_base_patch32_clip_(?:quickgelu_)?224(?:$|\.(?:laion|openai))/, of(clipStatistics, 0.9)],
  [/_(?:xsmall|medium|betwixt)_patch\d+_clip_224/, of(clipStatistics, 0.9)],
  [/_base_patch(?:16|32)_clip_384\.openai_ft_in12k_in1k/, of(clipStatistics, 0.95, squash)],
  [/_base_patch16_clip_384|_clip_336\.openai_ft|_huge_\w+_clip_336/, of(clipStatistics, 1, squash)],
  [/_clip_378\.metaclip2|_gigantic_\w+_clip_378/, of(clipStatistics, 1, squash)],
  [/_clip_/, of(clipStatistics, 1)],

  [/_so400m_patch14_siglip_\w*378\.webli_ft_in1k/, of(half, 1, squash)],
  [/_so400m_patch14_siglip_gap_(?:378\.webli|384|448|896)/, of(half, 1)],
  [/_siglip_/, of(half, 0.9)],
  [/^vit_medium_patch16_gap_384/, of(half, 0.95, squash)],
  [/^vit_medium_patch16_gap_/, of(half, 0.95)],
  [/^vit_so150m2_\w+_448/, of(half, 1, squash)],
  [/^vit_so150m2_|_reg[14]_gap_384/, of(half, 1)],
  [/^vit_(?!base)[a-z0-9]+_patch16_reg[14]_gap_256/, of(half, 0.95)],
];

/**
 * How timm prepares images for its published weights of this name, with a tag or without; undefined where that is not known.
 * @param imageSize S of a square
 */
export function publishedPreparation(
  name: string,
  imageSize: number,
): Omit<Preprocessing, 'crop' | 'channels'> | undefined {
  const [, preparation] = published.find(([pattern]) => pattern.test(name)) ?? [];
  if (preparation === undefined) return undefined;
  const {
    statistics,
    share = imageSize > 224 ? 1 : 0.9,
    resizeMode = 'shortest',
    interpolation = 'bicubic',
  } = preparation;
  return { resize: resizedFor(imageSize, share), resizeMode, interpolation, ...statistics };
}
