import type { Interpolation, Preprocessing } from '../../datasets/contract.ts';
import { clipStatistics, forChannels, imagenetStatistics } from '../../datasets/preprocessing.ts';
import { covers, imageSizeText, isSameSize, type ImageSize } from '../model/architecture.ts';
import { isRecord, showValue } from '../util/foreign-value.ts';
import {
  flagOf,
  isPositive,
  meaningOf,
  positiveOf,
  refuseField,
  sizeIn,
  sizeOf,
  valueOf,
} from './document.ts';
import type { Document, Fields } from './document.ts';
import { statisticsOf } from './statistics-of.ts';
import type { PreparedModel } from './side-facts.ts';

/** Pillow's numbers for its filters. */
const resamplings: Readonly<Record<string, Interpolation>> = {
  0: 'nearest',
  1: 'lanczos',
  2: 'bilinear',
  3: 'bicubic',
  4: 'box',
  5: 'hamming',
};

const half = { mean: [0.5], std: [0.5] };
/** What processors do where their file says nothing, by transformers' class. */
const kinds = {
  ViT: { size: 224, square: true, crops: false, resample: 'bilinear', ...half },
  DeiT: { size: 256, square: true, crops: true, resample: 'bicubic', ...half },
  Beit: { size: 224, square: true, crops: false, resample: 'bicubic', ...half },
  CLIP: { size: 224, square: false, crops: true, resample: 'bicubic', ...clipStatistics },
  Siglip: { size: { height: 224, width: 224 }, square: false, crops: false, resample: 'bicubic', ...half },
  DINOv3ViT: {
    size: { height: 224, width: 224 },
    square: true,
    crops: false,
    resample: 'bilinear',
    ...imagenetStatistics,
  },
  Bit: { size: 224, square: false, crops: true, resample: 'bicubic', ...clipStatistics },
} as const;

type Kind = keyof typeof kinds;

/** By model_type, where the file does not name the processor. */
const kindsOfModels: Readonly<Record<string, Kind>> = {
  deit: 'DeiT',
  clip: 'CLIP',
  clip_vision_model: 'CLIP',
  siglip: 'Siglip',
  siglip_vision_model: 'Siglip',
  beit: 'Beit',
  'data2vec-vision': 'Beit',
  dinov2: 'Bit',
  dinov3_vit: 'DINOv3ViT',
};

/**
 * What a Hugging Face image processor does with an image, exactly: a resize, a crop, a factor, mean and std.
 * @param modelType of config.json, which names the processor where the file does not
 * @throws BlockForgeError `checkpoint-unsupported`, naming the field that cannot be had or contradicts the model
 */
export function processorPreparation(
  processor: Document,
  modelType: unknown,
  { imageSize, channels }: PreparedModel,
): Preprocessing {
  const kind = kinds[kindOf(processor, modelType)];
  checkNulls(processor);
  const crops = switchOf(processor, 'do_center_crop', kind.crops);
  if (crops) checkCrop(processor, imageSize);
  const resizes = switchOf(processor, 'do_resize', true);
  if (!resizes && !crops) {
    const found = `do_resize ${showValue(processor.fields.do_resize)}, and no crop: images of any size`;
    refuseField(
      processor,
      'do_resize',
      `images of ${imageSizeText(imageSize)}, the size of the model`,
      found,
    );
  }
  const { resize, resizeMode } = resizes
    ? resizing(processor, kind, crops, imageSize)
    : ({ resize: null, resizeMode: 'shortest' } as const);
  return {
    resize,
    resizeMode,
    interpolation: meaningOf(processor, 'resample', resamplings) ?? kind.resample,
    crop: imageSize,
    // A middle between two pixels: torchvision, and with it timm, rounds to even.
    ...(crops && { cropRounding: 'down' as const }),
    channels,
    ...normalisation(processor, kind, channels),
  };
}

/** transformers takes null for false, whatever the processor does where nothing is said. */
function switchOf(processor: Document, field: string, standard: boolean): boolean {
  return processor.fields[field] === null ? false : (flagOf(processor, field) ?? standard);
}

/** What transformers itself stops at, by the switch that makes it count. */
const needed = {
  do_resize: ['size', 'resample'],
  do_center_crop: ['crop_size'],
  do_rescale: ['rescale_factor'],
  do_normalize: ['image_mean', 'image_std'],
} as const;

function checkNulls(processor: Document): void {
  for (const [flag, fields] of Object.entries(needed)) {
    if (processor.fields[flag] === false || processor.fields[flag] === null) continue;
    const field = fields.find((name) => processor.fields[name] === null);
    if (field !== undefined) refuseField(processor, field, `a value: transformers stops at null`);
  }
}

function kindOf(processor: Document, modelType: unknown): Kind {
  const field =
    valueOf(processor, 'image_processor_type') === undefined
      ? 'feature_extractor_type'
      : 'image_processor_type';
  const name = valueOf(processor, field);
  if (name === undefined) return kindsOfModels[String(modelType)] ?? 'ViT';
  const [, kind = ''] =
    /^(\w+?)(?:ImageProcessor(?:Fast|Pil)?|FeatureExtractor)$/.exec(typeof name === 'string' ? name : '') ??
    [];
  if (Object.hasOwn(kinds, kind)) return kind as Kind;
  return refuseField(processor, field, `the processor of one of ${Object.keys(kinds).join(', ')}`);
}

function checkCrop(processor: Document, imageSize: ImageSize): void {
  const crop = sizeOf(processor, 'crop_size') ?? 224;
  if (isSameSize(crop, imageSize)) return;
  refuseField(
    processor,
    'crop_size',
    `${imageSizeText(imageSize)}, the size of the model`,
    `crop_size of ${imageSizeText(crop)} pixels`,
  );
}

function resizing(
  processor: Document,
  kind: (typeof kinds)[Kind],
  crops: boolean,
  imageSize: ImageSize,
): Pick<Preprocessing, 'resize' | 'resizeMode'> {
  const value = valueOf(processor, 'size') ?? kind.size;
  const isSquare = flagOf(processor, 'default_to_square') ?? kind.square;
  const shortest = isRecord(value) ? shortestEdge(value) : isSquare ? undefined : value;
  const resize = isPositive(shortest) ? shortest : sizeIn(value);
  if (resize === undefined) {
    return refuseField(processor, 'size', 'a number, [height, width], {height, width} or {shortest_edge}');
  }
  const text = `size of ${imageSizeText(resize)} pixels`;
  if (isPositive(shortest)) {
    const next = `do_center_crop to ${imageSizeText(imageSize)}, or a size of height and width`;
    if (!crops) refuseField(processor, 'size', next, `${text} for the shortest edge, and no crop`);
  } else if (!crops && !isSameSize(resize, imageSize)) {
    refuseField(processor, 'size', `${imageSizeText(imageSize)}, the size of the model`, text);
  }
  if (!covers(resize, imageSize)) {
    const expected = `at least ${imageSizeText(imageSize)}, the size of the model: less makes black borders`;
    refuseField(processor, 'size', expected, `${text}, and a crop of ${imageSizeText(imageSize)}`);
  }
  return { resize, resizeMode: isPositive(shortest) ? 'shortest' : 'stretch' };
}

function shortestEdge(size: Fields): unknown {
  const isAlone = Object.entries(size).every(([key, value]) => key === 'shortest_edge' || value === null);
  return isAlone && Number.isInteger(size.shortest_edge) ? size.shortest_edge : undefined;
}

/** `(x factor - mean) / std` with pixels x of 0 to 255, as `(x / 255 - mean') / std'`. */
function normalisation(
  processor: Document,
  kind: (typeof kinds)[Kind],
  channels: 1 | 3,
): Pick<Preprocessing, 'mean' | 'std'> {
  const rescales = switchOf(processor, 'do_rescale', true);
  const factor = rescales ? (positiveOf(processor, 'rescale_factor') ?? 1 / 255) : 1;
  const unit = 255 * factor;
  const scale = Math.abs(unit - 1) < 1e-9 ? 1 : unit;
  const { mean, std } = switchOf(processor, 'do_normalize', true)
    ? {
        mean: statisticsOf(processor, 'image_mean', channels) ?? kind.mean,
        std: statisticsOf(processor, 'image_std', channels) ?? kind.std,
      }
    : { mean: [0], std: [1] };
  return forChannels(
    { mean: mean.map((value) => value / scale), std: std.map((value) => value / scale) },
    channels,
  );
}
