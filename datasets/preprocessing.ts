import type { PreprocessingSetting } from '../pipeline/config/schema.ts';
import {
  covers,
  extentOf,
  imageSizeOf,
  imageSizeText,
  isSameSize,
  type ImageSize,
} from '../pipeline/model/family/image-size.ts';
import { fail } from '../pipeline/util/failure.ts';
import type { Preprocessing } from './contract.ts';

interface Normalisation {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export const imagenetStatistics: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** OpenAI's CLIP. */
export const clipStatistics: Normalisation = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};
const halfStatistics: Normalisation = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const unitStatistics: Normalisation = { mean: [0, 0, 0], std: [1, 1, 1] };

interface Preset extends Normalisation {
  /** Crop as a share of the resized shortest side; null stretches the image to the crop. */
  readonly cropShare: number | null;
  readonly interpolation: Preprocessing['interpolation'];
}

/**
 * The usual evaluation pipelines, as data. A model imported from a checkpoint should not need them (`auto` takes what
 * the checkpoint says); they are for checkpoints that say nothing.
 */
export const presets: Readonly<Record<Exclude<PreprocessingSetting, object | 'auto'>, Preset>> = {
  /** timm's augreg ViTs: 248 -> 224, bicubic, mean and std 0.5. */
  half: { cropShare: 0.9, interpolation: 'bicubic', ...halfStatistics },
  /** timm's DeiT: 248 -> 224, bicubic, ImageNet mean and std. */
  timm: { cropShare: 0.9, interpolation: 'bicubic', ...imagenetStatistics },
  /** torchvision's ViTs: 256 -> 224, bilinear, ImageNet mean and std. */
  torchvision: { cropShare: 0.875, interpolation: 'bilinear', ...imagenetStatistics },
  /** Another name for `torchvision`. */
  imagenet: { cropShare: 0.875, interpolation: 'bilinear', ...imagenetStatistics },
  /** Hugging Face's ViT image processor: stretched to the model's size, bilinear, mean and std 0.5. */
  huggingface: { cropShare: null, interpolation: 'bilinear', ...halfStatistics },
  /** Pixels as they are on the 0..1 scale, for small images; stretched only where the size differs. */
  unit: { cropShare: null, interpolation: 'bilinear', ...unitStatistics },
};

/** The means and deviations teachers are usually trained with, for telling a wrong one from a bad teacher. */
export function normalisations(
  channels: 1 | 3,
): Readonly<Record<'half' | 'imagenet' | 'unit', Normalisation>> {
  return {
    half: forChannels(halfStatistics, channels),
    imagenet: forChannels(imagenetStatistics, channels),
    unit: forChannels(unitStatistics, channels),
  };
}

/**
 * What the config says, made complete. `auto` is `recommended` (what came with the checkpoint); for a teacher that is
 * trained here it is mean and std 0.5 with the shortest side at the model's size, which leaves small images alone.
 * @throws BlockForgeError `config-invalid` where an explicit setting does not fit the model.
 */
export function resolvePreprocessing(
  setting: PreprocessingSetting,
  model: {
    readonly imageSize: ImageSize;
    readonly channels: 1 | 3;
    readonly recommended?: Preprocessing | undefined;
  },
): Preprocessing {
  const { imageSize: crop, channels, recommended } = model;
  if (setting === 'auto') {
    if (recommended !== undefined) return recommended;
    return {
      resize: crop,
      resizeMode: 'shortest',
      interpolation: 'bicubic',
      crop,
      channels,
      ...forChannels(halfStatistics, channels),
    };
  }
  if (typeof setting === 'string') {
    const { cropShare, interpolation, mean, std } = presets[setting];
    return {
      resize: cropShare === null ? crop : resizedFor(crop, cropShare),
      resizeMode: cropShare === null ? 'stretch' : 'shortest',
      interpolation,
      crop,
      channels,
      ...forChannels({ mean, std }, channels),
    };
  }
  refuse(
    'crop',
    !isSameSize(setting.crop, crop),
    imageSizeText(setting.crop),
    `${imageSizeText(crop)}, the model's image size`,
  );
  refuse(
    'resize',
    setting.resize !== null && !covers(setting.resize, crop),
    setting.resize === null ? 'null' : imageSizeText(setting.resize),
    `at least the crop, ${imageSizeText(crop)}, or null`,
  );
  for (const key of ['mean', 'std'] as const) {
    const count = setting[key].length;
    refuse(
      key,
      count !== 1 && count !== channels,
      `${count} values`,
      channels === 1 ? '1 value' : '1 value or 3 (one per channel)',
    );
  }
  return { ...setting, crop, channels, ...forChannels(setting, channels) };
}

/** What images are resized to so that `share` of each side is kept. Rounded down, as timm does: 224 / 0.9 is 248, not 249. */
export function resizedFor(crop: ImageSize, share: number): ImageSize {
  const { height, width } = extentOf(crop);
  return imageSizeOf({ height: Math.floor(height / share), width: Math.floor(width / share) });
}

/** One value is repeated; three become their average where the model reads grey images. */
export function forChannels({ mean, std }: Normalisation, channels: 1 | 3): Normalisation {
  const fit = (values: readonly number[]) => {
    if (values.length === channels) return values;
    if (values.length === 1) return [...values, ...values, ...values];
    return [values.reduce((a, b) => a + b, 0) / values.length];
  };
  return { mean: fit(mean), std: fit(std) };
}

function refuse(key: string, wrong: boolean, found: unknown, expected: string): void {
  if (!wrong) return;
  fail({
    reason: 'config-invalid',
    subject: `data.preprocessing.${key}`,
    found: String(found),
    expected,
    next: 'correct it, or remove data.preprocessing to take what comes with the checkpoint',
  });
}
