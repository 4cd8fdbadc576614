import { z } from 'zod';
import { fraction, positiveInteger } from '../config/schema.ts';

/** Of a Beta(alpha, alpha); 0 is off. */
const alpha = z.number().min(0).max(1000).default(0);

/** How training images are varied: fields for the schemas of trainings to take up. All off by default. */
export const augmentFields = {
  /** Mirrors every other image; of no use where left and right mean something. */
  flip: z.boolean().default(false),
  /** Pixels that an image may move by; what comes in is black. */
  cropPadding: z.int().min(0).max(1024).default(0),
  /**
   * RandAugment (Cubuk et al. 2020) as timm's `rand-m9-mstd0.5-inc1`: so many operations are drawn for each image, each done
   * with probability 1/2, its magnitude of 10 drawn from a normal distribution around `magnitude`. Null is off.
   */
  randAugment: z
    .strictObject({
      operations: positiveInteger.max(100).default(2),
      magnitude: z.number().min(0).max(10).default(9),
      deviation: z.number().min(0).max(10).default(0.5),
    })
    .nullable()
    .default(null),
  /** Brightness, contrast and saturation change by up to this share. As in timm, without effect where `randAugment` is given. */
  colourJitter: fraction.default(0),
  /** Random erasing (Zhong et al. 2020): a rectangle of normal noise in so many images. */
  erase: z.strictObject({ probability: fraction.default(0) }).prefault({}),
  /** Alpha of mixup (Zhang et al. 2018): a batch is mixed with itself in reverse. */
  mixup: alpha,
  /** Alpha of CutMix (Yun et al. 2019): a rectangle of each image is that of the one opposite. */
  cutmix: alpha,
  /** Of a batch being mixed at all. */
  mixProbability: fraction.default(1),
  /** Of CutMix instead of mixup, where both are on. */
  switchProbability: fraction.default(0.5),
  /** Share of each label that is spread evenly over all outputs. */
  smoothing: fraction.default(0),
  /** Repeated augmentation (Hoffer et al. 2020): each image comes so often, and only that part of the images, in an epoch. */
  repeats: positiveInteger.max(1000).default(1),
};

const augmentSchema = z.strictObject(augmentFields);

export type AugmentSettings = z.infer<typeof augmentSchema>;

/** Settings as an empty config has them: nothing is varied. */
export const noAugment: AugmentSettings = Object.freeze(augmentSchema.parse({}));

/**
 * What DeViT's code trains all its stages with (the options of DeiT). Two of its values act otherwise than they read: the
 * colour jitter does nothing beside RandAugment, and images that come here at their size are not cut out at random sizes
 * anew but moved by the padding that DeiT has for small images.
 */
export const dekdAugment: AugmentSettings = Object.freeze(
  augmentSchema.parse({
    flip: true,
    cropPadding: 4,
    randAugment: {},
    colourJitter: 0.4,
    erase: { probability: 0.25 },
    mixup: 0.8,
    cutmix: 1,
    smoothing: 0.1,
    repeats: 3,
  }),
);
