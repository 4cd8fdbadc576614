import { z } from 'zod';
import { positiveInteger } from '../config/schema.ts';
import { refittedLayers } from './refitted-layers.ts';
import { sliceCriterionNames } from './criterion-names.ts';

/** How a sub-model is cut out of the teacher: fields for the schemas of methods to take up. */
export const sliceFields = {
  /**
   * compensation, ours: every axis of the model narrower, what is left refitted in closed form. policy, as published (DeViT):
   * the stream as wide as it was, whole heads and hidden units by their scores, how many of each layer by random search; then
   * refitted where `refit` names layers ([]: as published).
   */
  by: z.enum(['compensation', 'policy']).default('compensation'),
  /**
   * What is worth keeping. reconstruction, ours: principal axes of the stream, singular directions of the logits' product,
   * elimination of hidden units. kl: the divergence that a group's removal makes, measured. fisher: its second-order form.
   * magnitude: of the weights.
   */
  criterion: z.enum(sliceCriterionNames).default('reconstruction'),
  /** Layers that are refitted in closed form to what the teacher has there. */
  refit: z.array(z.enum(refittedLayers)).default([...refittedLayers]),
  /** Added to covariances, as a share of their mean diagonal. */
  ridge: z.number().min(0).default(1e-4),
  /** At most so many images of a subset are fitted to; their streams are kept in memory. */
  images: positiveInteger.default(1024),
  /** Images that the gradients are taken of, for the weight of tokens and directions. */
  gradientImages: positiveInteger.default(256),
  /** Stream and hidden units are multiples of it. */
  widthMultiple: positiveInteger.default(8),
  /** How the budget is split between stream, attention and FFN. */
  search: z
    .strictObject({
      /** Shapes that are measured at most; 1: uniform scaling, as published. */
      shapes: positiveInteger.max(1000).default(12),
      /** Images that each is refitted on, and judged on. */
      images: positiveInteger.default(128),
    })
    .prefault({}),
  /** Of `by: policy`. */
  policy: z
    .strictObject({
      /** So many are drawn and measured. */
      policies: positiveInteger.max(10_000).default(100),
      /** No layer loses more than this share of its heads, or of its hidden units. */
      mostSparsity: z.number().gt(0).lt(1).default(0.5),
      /** A policy costs at most the limits, and at most this share less. */
      tolerance: z.number().gt(0).lt(1).default(0.02),
      /** Judging images that each is measured on. */
      images: positiveInteger.default(128),
      /** Images that heads and hidden units are scored by ... */
      scoreImages: positiveInteger.default(256),
      /** ... and of these so many at a time: dependence is measured within a batch. */
      scoreBatch: positiveInteger.min(2).max(4096).default(64),
    })
    .prefault({}),
  /** Of the criterion kl. */
  kl: z
    .strictObject({
      /** Groups that each axis of a layer, and the stream, is divided into: so many forward passes. */
      groups: positiveInteger.max(10_000).default(8),
      images: positiveInteger.default(64),
    })
    .prefault({}),
};

const sliceSchema = z.strictObject(sliceFields);
export type SliceSettings = z.infer<typeof sliceSchema>;

/** Settings as an empty config has them. */
export const defaultSlicing: SliceSettings = sliceSchema.parse({});
