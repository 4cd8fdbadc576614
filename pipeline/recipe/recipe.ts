import type * as tf from '@tensorflow/tfjs-core';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { VisionTransformer } from '../model/vit.ts';
import type { DistillSettings } from '../distill/task.ts';
import type { CriterionName } from '../config/criterion-names.ts';
import type { CriterionInput, Order } from '../compress/order/criterion.ts';
import type { RefitOptions } from '../compress/refit.ts';
import type { Random } from '../util/random.ts';

/**
 * How many units each block keeps when the model as a whole may keep a share of them. uniform: that share of every
 * block. global: all units of all blocks ranked together by the recipe's raw scores (`globalWidths`). measured: the
 * widths with the smallest sum of single-block KL divergences from the teacher on calibration images, found exactly.
 */
export type AllocationRule = 'uniform' | 'global' | 'measured';

/** A published way from a trained block to narrower ones, as data. */
export interface Recipe {
  readonly name: string;
  /** Paper and what of it is followed; what the paper leaves open and how it was closed. */
  readonly source: string;
  readonly criterion: CriterionName;
  readonly refit: RefitOptions['method'];
  /** Share of the mean diagonal of the covariance, or a rule that finds it for every kept set. */
  readonly ridge: number | 'oracle-shrinkage';
  readonly allocations: readonly AllocationRule[];
  /** Its own local distillation; absent where the source has none. */
  readonly distill?: Omit<DistillSettings, 'steps' | 'batchTokens'>;
  readonly descend: Descend;
  /** For `fitComposed`: the share of a compressed model's activations in fit and distillation. */
  readonly composedShare?: number;
}

/** What is known of one block: the calibration statistics, the teacher's weights, and what single criteria ask for. */
export type BlockEvidence = Omit<CriterionInput, 'ridge'>;

/** Normalised pixels [B, S, S, C] and stable ids. The consumer disposes the pixels. */
export interface CalibrationBatch {
  readonly pixels: tf.Tensor4D;
  readonly ids: readonly string[];
}

/** Everything a recipe may look at. No labels in it. */
export interface RecipeContext {
  readonly blocks: readonly BlockEvidence[];
  readonly model: VisionTransformer;
  /** The calibration images again, for recipes that run them through partly compressed models. */
  readonly calibration: () => AsyncIterable<CalibrationBatch>;
  /** Images that are in neither `blocks` nor `calibration`, to judge distillation on; none where nothing is distilled. */
  readonly heldOut: () => AsyncIterable<CalibrationBatch>;
  /** The stream an image's label is drawn from, where a recipe asks the teacher for one. */
  readonly labelRandom: (id: string) => Random;
  /** The rows of the batch's B * T tokens that the statistics were taken from. */
  readonly sampledRows: (ids: readonly string[]) => Int32Array;
}

export interface DescendInput {
  readonly recipe: Recipe;
  readonly context: RecipeContext;
  /** By the recipe's criterion on the evidence, found when asked for. */
  readonly orderOf: (block: number) => Order;
  /** [depth][any]: the widths wanted of each block. */
  readonly widths: readonly (readonly number[])[];
  /** Called after each block; await it to let others run. */
  readonly onBlock?: (block: number) => Promise<void>;
}

/** The weights of every block at every width asked for, in that order. A library: any of them may be combined. */
export type Descend = (input: DescendInput) => Promise<readonly (readonly FfnWeights[])[]>;
