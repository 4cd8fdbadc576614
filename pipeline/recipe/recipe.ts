import type { Ridge } from '../compress/ridge.ts';
import type { RefitOptions } from '../compress/refit.ts';
import type { CriterionName } from '../compress/order/criterion-names.ts';
import type { RecipeConfig } from './schema.ts';

/** Composed inputs: partly what a model compressed so far shows a block. */
export type ComposedInputs = {
  readonly from: 'composed';
  /** Of the compressed model's activations; the rest are the teacher's. */
  readonly composedShare: number;
  /** Most calibration images that are used; null: all of them. */
  readonly images: number | null;
};

/** How descendants are trained, but for how long. */
export type Training = Omit<RecipeConfig['distill'], 'enabled' | 'duration'>;

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
  readonly distill: Training | null;
};

/** The recipe that a config names. */
export function recipeOf(config: Omit<RecipeConfig, 'seed'>): Recipe {
  const { order, refit, inputs, statistics } = config;
  const { batchSize, optimizer, learningRate, schedule, warmupShare, weightDecay } = config.distill;
  const { enabled, loss, lookahead, klWeight, earlyStop } = config.distill;
  const steps = { batchSize, optimizer, learningRate, schedule, warmupShare, weightDecay };
  const { from, composedShare, images } = inputs;
  return {
    order,
    refit,
    inputs: from === 'teacher' ? { from } : { from, composedShare, images },
    tokenWeights: statistics.tokenWeights,
    distill: enabled ? { ...steps, loss, lookahead, klWeight, earlyStop } : null,
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

/** What of a training depends on its inputs: on the teacher's alone no student is ever run as a whole. */
export function trainingInputs(
  composed: ComposedInputs | null,
  { lookahead, klWeight }: Pick<Training, 'lookahead' | 'klWeight'>,
): { readonly composedShare: number; readonly lookahead: number; readonly klWeight: number } {
  if (composed === null) return { composedShare: 0, lookahead: 0, klWeight: 0 };
  return { composedShare: composed.composedShare, lookahead, klWeight };
}
