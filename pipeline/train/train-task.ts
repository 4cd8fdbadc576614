import type { TrainingProgress } from '../tensor/training-progress.ts';
import type { RawBatch } from '../../datasets/contract.ts';
import type { TrainSettings } from '../config/schema.ts';
import type { Architecture } from '../model/architecture.ts';
import type { HostWeights } from '../model/host-weights.ts';
import type { TrainingCheckpoint } from '../tensor/training-state.ts';

export interface TrainTask {
  readonly architecture: Architecture;
  /** The whole split in memory. */
  readonly train: RawBatch;
  /** Chooses the best epoch; no image of `train`. */
  readonly heldOut: RawBatch;
  /** Per channel, on the 0..1 scale. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly settings: Omit<TrainSettings, 'architecture' | 'heldOut'>;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Saved after every epoch. */
  readonly checkpoint: TrainingCheckpoint;
  /** Metrics: loss (mean since the last report), imagesPerSecond, and heldOutAccuracy after the first epoch. */
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/** One epoch, counted from 1. A type, not an interface, so that it is JSON. */
export type Epoch = {
  readonly epoch: number;
  /** Mean smoothed cross-entropy over the epoch's augmented batches. */
  readonly loss: number;
  /** Share in [0, 1]. */
  readonly heldOutAccuracy: number;
  readonly seconds: number;
};

export interface TrainedTeacher {
  /** Of the best epoch, under canonical names. */
  readonly weights: HostWeights;
  readonly history: readonly Epoch[];
  readonly bestEpoch: number;
  /** Share of the held-out images that the best epoch gets right. */
  readonly bestAccuracy: number;
}
