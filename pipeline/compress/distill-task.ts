import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Gelu } from '../tensor/ops.ts';
import type { ScheduleName } from '../tensor/schedule.ts';
import type { TrainingCheckpoint } from '../tensor/training-state.ts';
import type { DistillProgress } from './distill-progress.ts';
import type { TokenReader } from './token-batches.ts';

export interface DistillSettings {
  readonly optimizer: 'adamw' | 'adam';
  readonly learningRate: number;
  readonly schedule: ScheduleName;
  /** Share of the steps in which the learning rate grows to its full value. */
  readonly warmupShare: number;
  /** Decoupled, on the two kernels; `adam` ignores it. */
  readonly weightDecay: number;
  /** Squared error over the teacher's centred output energy, or its plain mean over tokens and outputs. */
  readonly loss: 'normalised-mse' | 'mse';
  readonly steps: number;
  readonly batchTokens: number;
}

export interface DistillTask {
  /** For messages, e.g. `block-03`. */
  readonly block: string;
  readonly teacher: FfnWeights;
  /** Where training starts: the refits. Ids are unique. */
  readonly students: readonly { readonly id: string; readonly weights: FfnWeights }[];
  /** LN2's outputs. */
  readonly tokens: TokenReader;
  /** LN2's outputs [N, D] that neither refit nor training has seen. */
  readonly heldOut: Float32Array;
  readonly gelu: Gelu;
  readonly settings: DistillSettings;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly checkpoint: TrainingCheckpoint;
  /** Seconds between checkpoints; default 30. */
  readonly checkpointSeconds?: number;
  readonly onProgress?: (progress: DistillProgress) => void;
}

/** Errors are shares of the teacher's output variance lost on the held-out tokens, whatever loss was trained. */
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
}

export interface DistillResult {
  readonly students: readonly DistilledStudent[];
  /** Held-out errors at every look, in the order of `students`. */
  readonly history: readonly Look[];
}

/** The held-out errors after a step, in the order of the students. */
export type Look = { readonly step: number; readonly errors: readonly number[] };
