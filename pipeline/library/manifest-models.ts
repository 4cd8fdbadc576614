import { z } from 'zod';
import { count, interval, modelScores, positive, share } from './manifest-parts.ts';

// Whole models in a library's manifest, and how well their losses are predicted from those of their blocks.

export const uniform = z.strictObject({
  sparsity: share,
  /** One descendant per block, in block order. */
  descendants: z.array(z.string()),
  /** Costs of the whole model, frame and blocks. */
  params: positive,
  macs: positive,
  /** Measured with the units cut and nothing repaired; unknown to older libraries. */
  pruned: modelScores.optional(),
  /** Measured with the refitted weights, before training. */
  refit: modelScores,
  /** Measured with the weights in the library; null where nothing was trained. */
  distilled: modelScores.nullable(),
  /** What each step gave: top-1 minus that of the step before, paired over the same images. */
  gainsPp: z.strictObject({ refit: interval.optional(), distilled: interval.optional() }).optional(),
});

/** A model in which blocks were exchanged one at a time, itself measured. */
export const context = modelScores.extend({
  name: z.enum(['teacher', 'middle', 'sparsest']),
  /** Hidden units of every block that is not exchanged; where blocks differ, of the widest. */
  width: positive,
  /** By block, where blocks differ. */
  widths: z.array(positive).readonly().optional(),
});

export const allocated = z.strictObject({
  /** Sparsity of the uniform model whose FFN parameters were the budget. */
  sparsity: share,
  /** Whose single-block divergences chose the widths; `uniform` where no candidate diverged less than that. */
  costs: z.enum(['teacher', 'middle', 'sparsest', 'average', 'uniform']),
  descendants: z.array(z.string()),
  params: positive,
  macs: positive,
  scores: modelScores,
  /** Top-1 minus that of the uniform model, paired, on the images that the widths were chosen by: optimistic. */
  versusUniformPp: interval,
});

/** Predicted against measured losses of top-1 over random compositions, in percentage points. */
const predictionErrors = z.strictObject({
  compositions: count,
  spearman: z.number().min(-1.000001).max(1.000001).nullable(),
  meanAbsoluteErrorPp: z.number().min(0).nullable(),
  maxAbsoluteErrorPp: z.number().min(0).nullable(),
});

/** Over all of them, and over those that lose less than 10 points. */
const splitErrors = z.strictObject({ all: predictionErrors, mild: predictionErrors });

export const additivity = z.strictObject({
  images: positive,
  /** Mean error, in points, that these images would show of a predictor that knows the true losses; all and mild ones. */
  imageNoisePp: z.strictObject({ all: z.number().min(0), mild: z.number().min(0).nullable() }),
  /** By the sum of `deltas.teacher.top1Pp`, of `deltas.average.top1Pp`, and by `predictor`, cross-validated. */
  teacherSum: splitErrors,
  averageSum: splitErrors,
  predictor: splitErrors.nullable(),
  /** From one half of the images to the other, both ways; `measured`: by measuring the composition on the first half. */
  acrossImages: z.strictObject({
    /** Images of one half. */
    images: positive,
    teacherSum: splitErrors,
    averageSum: splitErrors,
    predictor: splitErrors.nullable(),
    measured: splitErrors,
  }),
});

/**
 * Points of top-1 lost = `ceilingPp * (1 - exp(-(K / scale) ^ exponent))`, 0 below 0; K sums over blocks and contexts
 * `weights[context] * deltas[context].klIncrease`, in older libraries, without weights, `deltas.average.klIncrease`.
 */
export const predictor = z.strictObject({
  kind: z.literal('kl-curve'),
  parameters: z.strictObject({
    ceilingPp: z.number().positive(),
    scale: z.number().positive(),
    exponent: z.number().positive(),
  }),
  weights: z
    .strictObject({ teacher: share.optional(), middle: share.optional(), sparsest: share.optional() })
    .optional(),
  /** On random compositions. */
  crossValidated: splitErrors,
  /** On compositions chosen as `compose` does, which the curve is fitted to; `spread`: of an error, over the root of (points + 1). */
  chosen: splitErrors.extend({ spread: z.number().min(0) }).optional(),
});
