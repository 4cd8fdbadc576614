import { loadConfig } from '../../pipeline/config/load.ts';
import { recipeOf, type Recipe } from '../../pipeline/recipe/recipe.ts';
import type { BlocksConfig } from '../../pipeline/stages/blocks/schema.ts';
import { blocks } from '../../pipeline/stages/methods.ts';

/**
 * How many units each block keeps when the model as a whole may keep a share of them. uniform: that share of every
 * block. global: all units of all blocks ranked together by the recipe's raw scores (`globalWidths`). measured: the
 * widths with the smallest sum of single-block KL divergences from the teacher on calibration images, found exactly: the
 * bench's own (`measuredWidths`), close to what a run allocates but not the same, which looks at the selection split.
 */
export type AllocationRule = 'uniform' | 'global' | 'measured';

/** A published way from a trained model to narrower ones. */
export interface Baseline {
  readonly name: string;
  /** Paper and what of it is followed; what the paper leaves open and how it was closed. */
  readonly source: string;
  readonly recipe: Recipe;
  readonly allocations: readonly AllocationRule[];
}

/** One shot on the teacher's inputs, every token alike: what most sources do. */
const oneShot = { inputs: { from: 'teacher' }, tokenWeights: 'uniform', distill: null } as const;

/**
 * L1 norm of everything one index removes, nothing compensated: how weight pruning is usually carried to an FFN. Ranked
 * globally as well, for comparison; raw norms of different layers mean little side by side.
 */
const magnitude: Baseline = {
  name: 'magnitude',
  source: 'weight magnitude, one-shot; the baseline of VBP and DVBP',
  recipe: {
    ...oneShot,
    order: { criterion: 'magnitude', ridge: 1e-4 },
    refit: { method: 'none' },
  },
  allocations: ['uniform', 'global'],
};

/** The same sparsity in every block, and blocks that train on the teacher's inputs from the sliced weights. */
const legodnn: Baseline = {
  name: 'legodnn',
  source: 'Han et al., LegoDNN, MobiCom 2021, and its public code: L1 norm of fc1 rows; Adam 3e-4, plain MSE',
  recipe: recipeOf(loadConfig('legodnn.yaml', [blocks]).config),
  allocations: ['uniform'],
};

/** Published with one ranking over all layers; uniform beside it, to tell criterion and allocation apart. */
const vbp: Baseline = {
  name: 'vbp',
  source: 'Variance-Based Pruning, ICCV 2025 (arXiv 2507.12988): post-GELU variance, mean shift',
  recipe: {
    ...oneShot,
    order: { criterion: 'variance', ridge: 1e-4 },
    refit: { method: 'mean-shift' },
  },
  allocations: ['uniform', 'global'],
};

/** Uniform only, as published. Ranking and ridge are the defaults of the authors' code; its paper leaves both open. */
const corp: Baseline = {
  name: 'corp',
  source:
    'CORP (arXiv 2602.05243): energy times active rate, affine ridge with oracle approximating shrinkage',
  recipe: {
    ...oneShot,
    order: { criterion: 'active-energy', ridge: 'oracle-shrinkage' },
    refit: { method: 'affine' },
  },
  allocations: ['uniform'],
};

/**
 * The source states neither the noise's variance, nor the mix with the raw variance, nor its damping in what we could
 * read: see `denoised-variance` for the first two; the ridge is ours, so that it decides nothing between the two.
 */
const ob2c: Baseline = {
  name: 'ob2c',
  source: 'DVBP + OB2C (arXiv 2608.17657): denoised post-GELU variance, global, optimal weights and bias',
  recipe: {
    ...oneShot,
    order: { criterion: 'denoised-variance', ridge: 1e-4 },
    refit: { method: 'affine' },
  },
  allocations: ['global', 'uniform'],
};

/**
 * Gradients of log p of a label drawn from the teacher itself, so that no label is read. Taylor scores are changes of one
 * loss and therefore comparable over blocks. The mean shift is that of the SNIP baseline in VBP's protocol.
 */
const taylor: Baseline = {
  name: 'taylor',
  source: 'Molchanov et al., CVPR 2019, gates at the hidden units: E |g h|; label drawn from the teacher',
  recipe: {
    ...oneShot,
    order: { criterion: 'taylor', ridge: 1e-4 },
    refit: { method: 'mean-shift' },
  },
  allocations: ['global', 'uniform'],
};

const published = { magnitude, legodnn, vbp, corp, ob2c, taylor } as const;

export type RecipeName = keyof typeof published | 'blockforge';

/** Everything the quality bench compares, the one it compares with last. */
export const recipeNames = [...Object.keys(published), 'blockforge'] as RecipeName[];

/** The published recipes, and what the pipeline does with a config. */
export function recipesOf(config: BlocksConfig): Readonly<Record<RecipeName, Baseline>> {
  const blockforge: Baseline = {
    name: 'blockforge',
    source:
      'this pipeline as configured; by default reconstruction-greedy order, affine refit and normalised distillation, ' +
      'block after block on composed inputs',
    recipe: recipeOf(config),
    allocations: ['uniform', 'measured'],
  };
  return { ...published, blockforge };
}

/** Recipes that bring a distillation of their own; the pipeline's is the config's. */
export const distillingNames = recipeNames.filter(
  (name) => name === 'blockforge' || published[name].recipe.distill !== null,
);
