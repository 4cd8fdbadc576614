import type { Precision } from '../tensor/recorded/precision.ts';
import type { Deltas } from './deltas.ts';

/**
 * The record of a descendant. Every step adds a part to it and leaves the others as they are; the manifest of a library
 * lists the whole of it, by the same names (`pipeline/library/manifest.ts` has their ranges). So a number of a descendant is
 * named here, filled in by its step, and listed there.
 */
export interface Descendant {
  /** `block-03/w0384` */
  readonly id: string;
  /** H', the hidden units kept. */
  readonly width: number;
  /** Share of the teacher's hidden units that are gone. */
  readonly sparsity: number;
}

/**
 * What the refit adds; all 0 for the teacher's own block. Errors of a block's output are shares of the centred energy of
 * the teacher's output: predicted by the refit, and measured on held-out tokens.
 */
export interface RefitPart {
  readonly predictedError: number;
  readonly heldOutError: { readonly refit: number };
  /** Standard error of `heldOutError.refit`, over images; absent where too few were held out, and for the teacher's own. */
  readonly refitStandardError?: number | undefined;
}

/** What training adds, or would have. */
export interface TrainedPart {
  /** After the refit, and of the weights that are kept. */
  readonly heldOutError: { readonly refit: number; readonly final: number };
  /** Share of the refit's held-out error that training removed; null where nothing was trained. */
  readonly gainOverRefit: number | null;
  /** Whose weights are kept. */
  readonly source: 'teacher' | 'refit' | 'distilled';
  /** Of the matrix products of the training that its weights are from; absent where they are from none. Numbers are float32's. */
  readonly precision?: Precision | undefined;
}

/** Parameters, multiply-adds for one image and milliseconds for one batch of the FFN block alone. */
export interface BlockCost {
  readonly params: number;
  readonly macs: number;
  readonly latencyMs: { readonly p50: number; readonly p90: number };
}

/** What measuring adds. */
export interface MeasuredPart extends BlockCost {
  readonly deltas: Deltas;
}

/** What ranking adds. */
export interface RankedPart {
  /** Within the block, 1 is the best; 0 for the teacher's own block, which saves nothing and is not ranked. */
  readonly rank: number;
  readonly dominated: boolean;
}

export type RefittedDescendant = Descendant & RefitPart;
export type TrainedDescendant = Descendant & RefitPart & TrainedPart;
export type MeasuredDescendant = TrainedDescendant & MeasuredPart;
export type RankedDescendant = MeasuredDescendant & RankedPart;
