import type { Ridge } from '../compress/ridge.ts';
import type { RefitOptions } from '../compress/refit.ts';
import type { CriterionName } from '../compress/order/criterion-names.ts';
import type { DistillSettings } from '../distill/task.ts';
import type { RecipeConfig } from './schema.ts';

/** Composed inputs: block after block, partly on what a model compressed so far shows it. */
export type ComposedInputs = {
  readonly from: 'composed';
  /** Of the compressed model's activations; the rest are the teacher's. */
  readonly composedShare: number;
  /** Most calibration images that are streamed. */
  readonly images: number;
};

/**
 * A way from a trained block to narrower ones, as data: what a config says of it, and what a published method says. Not
 * in it: widths, whole models, how long training takes. A type, not an interface, so that it is JSON.
 */
export type Recipe = {
  readonly order: { readonly criterion: CriterionName; readonly ridge: Ridge };
  readonly refit: { readonly method: RefitOptions['method'] };
  /** What descendants are fitted to and trained on. */
  readonly inputs: { readonly from: 'teacher' } | ComposedInputs;
  /** How much a token counts: all the same, or by the teacher's gradients (`tokenWeights`). */
  readonly tokenWeights: 'gradient' | 'uniform';
  /** Null: descendants stay as they were fitted. */
  readonly distill: Omit<DistillSettings, 'steps'> | null;
};

/** The recipe that a config names. */
export function recipeOf(config: Omit<RecipeConfig, 'seed'>): Recipe {
  const { order, refit, inputs, statistics } = config;
  const { optimizer, learningRate, schedule, warmupShare, weightDecay, loss, earlyStop } = config.distill;
  const distill = { optimizer, learningRate, schedule, warmupShare, weightDecay, loss, earlyStop };
  const { from, composedShare, images } = inputs;
  return {
    order,
    refit,
    inputs: from === 'teacher' ? { from } : { from, composedShare, images },
    tokenWeights: statistics.tokenWeights,
    distill: config.distill.enabled ? distill : null,
  };
}

/** What refits look at: only the affine one has targets to fit, without it nothing here looks at a compressed model. */
export function refitInputs({ inputs, refit }: Pick<Recipe, 'inputs' | 'refit'>): ComposedInputs | null {
  return inputs.from === 'composed' && refit.method === 'affine' ? inputs : null;
}

/** What trainings look at; null: the teacher's inputs, or nothing. */
export function distillInputs({
  inputs,
  distill,
}: Pick<Recipe, 'inputs' | 'distill'>): ComposedInputs | null {
  return inputs.from === 'composed' && distill !== null ? inputs : null;
}
