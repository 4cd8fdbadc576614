import { fitBlocks } from '../../pipeline/recipe/block-inputs.ts';
import { fitComposed } from '../../pipeline/recipe/fit-composed.ts';
import type { Recipe } from '../../pipeline/recipe/recipe.ts';

/**
 * L1 norm of everything one index removes, nothing compensated: how weight pruning is usually carried to an FFN. Ranked
 * globally as well, for comparison; raw norms of different layers mean little side by side.
 */
const magnitude: Recipe = {
  name: 'magnitude',
  source: 'weight magnitude, one-shot; the baseline of VBP and DVBP',
  criterion: 'magnitude',
  refit: 'none',
  ridge: 1e-4,
  allocations: ['uniform', 'global'],
  descend: fitBlocks,
};

/** The same sparsity in every block, and blocks that train on the teacher's inputs from the sliced weights. */
const legodnn: Recipe = {
  name: 'legodnn',
  source: 'Han et al., LegoDNN, MobiCom 2021, and its public code: L1 norm of fc1 rows; Adam 3e-4, plain MSE',
  criterion: 'fc1-magnitude',
  refit: 'none',
  ridge: 1e-4,
  allocations: ['uniform'],
  distill: {
    optimizer: 'adam',
    learningRate: 3e-4,
    schedule: 'constant',
    warmupShare: 0,
    weightDecay: 0,
    loss: 'mse',
  },
  descend: fitBlocks,
};

/** Published with one ranking over all layers; uniform beside it, to tell criterion and allocation apart. */
const vbp: Recipe = {
  name: 'vbp',
  source: 'Variance-Based Pruning, ICCV 2025 (arXiv 2507.12988): post-GELU variance, mean shift',
  criterion: 'variance',
  refit: 'mean-shift',
  ridge: 1e-4,
  allocations: ['uniform', 'global'],
  descend: fitBlocks,
};

/** Uniform only, as published. Ranking and ridge are the defaults of the authors' code; its paper leaves both open. */
const corp: Recipe = {
  name: 'corp',
  source:
    'CORP (arXiv 2602.05243): energy times active rate, affine ridge with oracle approximating shrinkage',
  criterion: 'active-energy',
  refit: 'affine',
  ridge: 'oracle-shrinkage',
  allocations: ['uniform'],
  descend: fitBlocks,
};

/**
 * The source states neither the noise's variance, nor the mix with the raw variance, nor its damping in what we could
 * read: see `denoised-variance` for the first two; the ridge is ours, so that it decides nothing between the two.
 */
const ob2c: Recipe = {
  name: 'ob2c',
  source: 'DVBP + OB2C (arXiv 2608.17657): denoised post-GELU variance, global, optimal weights and bias',
  criterion: 'denoised-variance',
  refit: 'affine',
  ridge: 1e-4,
  allocations: ['global', 'uniform'],
  descend: fitBlocks,
};

/**
 * Gradients of log p of a label drawn from the teacher itself, so that no label is read. Taylor scores are changes of one
 * loss and therefore comparable over blocks. The mean shift is that of the SNIP baseline in VBP's protocol.
 */
const taylor: Recipe = {
  name: 'taylor',
  source: 'Molchanov et al., CVPR 2019, gates at the hidden units: E |g h|; label drawn from the teacher',
  criterion: 'taylor',
  refit: 'mean-shift',
  ridge: 1e-4,
  allocations: ['global', 'uniform'],
  descend: fitBlocks,
};

/** What the pipeline does by default (tested against the config's defaults). */
const blockforge: Recipe = {
  name: 'blockforge',
  source:
    'this pipeline: reconstruction-greedy order, affine refit and normalised distillation, block after block on composed inputs',
  criterion: 'reconstruction',
  refit: 'affine',
  ridge: 1e-4,
  allocations: ['uniform', 'measured'],
  distill: {
    optimizer: 'adamw',
    learningRate: 1e-3,
    schedule: 'cosine',
    warmupShare: 0.05,
    weightDecay: 0,
    loss: 'normalised-mse',
  },
  descend: fitComposed,
  composedShare: 0.5,
};

/** Everything the quality bench compares, the one it compares with last. */
export const recipes = {
  magnitude,
  legodnn,
  vbp,
  corp,
  ob2c,
  taylor,
  blockforge,
} as const satisfies Readonly<Record<string, Recipe>>;

export type RecipeName = keyof typeof recipes;
