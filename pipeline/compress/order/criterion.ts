import type { FfnWeights } from '../../model/ffn-weights.ts';
import type { BlockStatistics } from '../statistics.ts';

/**
 * What is collected only where a criterion asks for it, a number per unit. activeRate: the share of the tokens on which a
 * unit is active; saliency: the mean of |gradient x activation| over the tokens (`unitMeans` has how they are summed).
 */
export const needs = ['activeRate', 'saliency'] as const;
export type Need = (typeof needs)[number];

/** What the calibration images say of one block's hidden units; [H] of what was asked for beside the statistics. */
export type BlockEvidence = { readonly statistics: BlockStatistics } & {
  readonly [Asked in Need]?: Float64Array | undefined;
};

export type CriterionInput = BlockEvidence & {
  readonly weights: FfnWeights;
  /** Ridge as a share of the mean diagonal of the covariance; only criteria that factorise use it. */
  readonly ridge: number;
};

/** The sorted hidden units of one block; every narrower width is a prefix. */
export interface Order {
  /** A permutation of 0..H-1, most worth keeping first. */
  readonly units: Int32Array;
  /** [H]: the score of every unit, where the criterion scores units one by one; for ranking over blocks. */
  readonly scores?: Float64Array;
  /**
   * [H + 1]: element k is the expected squared error of the block's output per token, summed over its D dimensions, when
   * the first k units are kept and fc2 is refitted (0 units: the centred output energy). Only where the criterion knows
   * it for nothing; `refit` computes it for any order.
   */
  readonly predictedError?: Float64Array;
  /** The ridge used, in units of variance, and whether it had to be larger than asked for. */
  readonly ridge?: number;
  readonly ridgeRaised?: boolean;
}

/** Sorts the hidden units of one block. Pure: the same input gives the same order on every machine. */
export type Criterion = (input: CriterionInput) => Order;

/** Highest score first; equal scores keep the units' own order. @throws RangeError for a score that is not finite. */
export function orderByScore(scores: Float64Array): Order {
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad !== -1) throw new RangeError(`hidden unit ${bad} has the score ${scores[bad]}`);
  const units = Int32Array.from(scores.keys());
  return { units: units.sort((a, b) => scores[b]! - scores[a]! || a - b), scores };
}
