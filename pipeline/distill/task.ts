import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Precision } from '../tensor/recorded/precision.ts';
import type { ScheduleName } from '../tensor/schedule.ts';
import type { TrainingCheckpoint } from '../tensor/training-state.ts';
import type { Examples } from './examples.ts';

export interface DistillSettings {
  readonly optimizer: 'adamw' | 'adam';
  readonly learningRate: number;
  readonly schedule: ScheduleName;
  /** Share of the steps in which the learning rate grows to its full value. */
  readonly warmupShare: number;
  /** Decoupled, on the two kernels; `adam` ignores it. */
  readonly weightDecay: number;
  /** Squared error per token over the student's `energyPerToken`, or its plain mean over tokens and outputs. */
  readonly loss: 'normalised-mse' | 'mse';
  /**
   * Steps of the training; or the wall-clock seconds it may take, looks included. Seconds become steps once, by the rate
   * of a few steps made for the purpose, so the rate still decays to zero and an interrupted training goes on to the same
   * weights; but another machine, or this one when busy, chooses another number of steps.
   */
  readonly steps: number | { readonly seconds: number };
  /** Default: none. */
  readonly earlyStop?: EarlyStop | null;
}

/**
 * Ends a training whose held-out errors have dried up: over the last `patience` looks no student's error fell by the
 * share `minimumGain` below its lowest before them. Most of what a decaying rate gives comes at its end, so the end is
 * not cut off but hurried (`planEnd`). A type, not an interface, so that it is JSON.
 */
export type EarlyStop = {
  /** Of the 10 looks that a training takes. */
  readonly patience: number;
  readonly minimumGain: number;
};

/** A type, not an interface, so that it is JSON. */
export type DistillPlan = {
  /** What the schedule is laid out for. */
  readonly steps: number;
  /** After step `from` an early stop was decided; the training ends after `end`. */
  readonly hurried: { readonly from: number; readonly end: number } | null;
};

export interface DistillProgress {
  readonly fraction: number;
  readonly note: string;
  /** `loss <id>` of each descendant (mean since the last report), tokensPerSecond and gflopPerSecond. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface DistillTask {
  /** For messages, e.g. `block-03`. */
  readonly block: string;
  /** Where training starts: the refits. Ids are unique. */
  readonly students: readonly { readonly id: string; readonly weights: FfnWeights }[];
  /** For these students, in this order. Not disposed here. */
  readonly examples: Examples;
  readonly settings: DistillSettings;
  /**
   * In what a student's steps are made, by its refit's held-out error (`errorBefore`). Asked once, when the training first starts: a
   * checkpoint keeps the answer. Default: float32. Held-out errors are always measured in float32.
   */
  readonly precisionOf?:
    ((student: { readonly weights: FfnWeights; readonly refitError: number }) => Precision) | undefined;
  readonly signal: AbortSignal;
  readonly checkpoint: TrainingCheckpoint;
  /** Seconds between checkpoints; default 30. */
  readonly checkpointSeconds?: number;
  readonly onProgress?: (progress: DistillProgress) => void;
}

/** Errors are shares of the variance of the held-out targets that is lost, whatever loss was trained. */
export interface DistilledStudent {
  readonly id: string;
  /** The better of refit and trained. */
  readonly weights: FfnWeights;
  readonly kept: 'refit' | 'trained';
  /** Of the refit. */
  readonly errorBefore: number;
  /** Of the best trained weights, also where the refit is kept. */
  readonly errorAfter: number;
  /** 1 - errorAfter / errorBefore; below 0 where training did harm (and the refit is kept). */
  readonly gainOverRefit: number;
  /** The step after which the best trained weights were seen. */
  readonly bestStep: number;
  /** Of the products of its steps. */
  readonly precision: Precision;
}

export interface DistillResult {
  readonly students: readonly DistilledStudent[];
  /** Held-out errors at every look: with the refits' errors at 0 s, the raw data of an error-per-minute curve. */
  readonly history: readonly Look[];
  /** The schedule was laid out for `planned`; an early stop makes fewer. */
  readonly steps: { readonly planned: number; readonly made: number };
}

/** The held-out errors after a step, in the order of the students. A type, not an interface, so that it is JSON. */
export type Look = {
  readonly step: number;
  /** Since the training began, interruptions not counted. Differs from run to run. */
  readonly seconds: number;
  readonly errors: readonly number[];
};
