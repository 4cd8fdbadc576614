import type { TrainingProgress } from '../tensor/training-progress.ts';
import type * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../model/backbone.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Precision } from '../tensor/recorded/precision.ts';
import type { ScheduleName } from '../tensor/schedule.ts';
import type { TrainingCheckpoint } from '../tensor/training-state.ts';

/** How the students of one job are trained. */
export interface TrainingSettings {
  readonly optimizer: 'adamw' | 'adam';
  readonly learningRate: number;
  readonly schedule: ScheduleName;
  /** Share of the steps in which the learning rate grows to its full value. */
  readonly warmupShare: number;
  /** Decoupled, on the kernels; `adam` ignores it. */
  readonly weightDecay: number;
  /** A block's squared error per token: over the centred energy of the teacher's stream, or its plain mean over tokens and D. */
  readonly loss: 'normalised-mse' | 'mse';
  /** Factor of the gradient that a block receives from the next, in [0, 1]; 0: every block answers for its own error alone. */
  readonly lookahead: number;
  /** Of KL(teacher || student) of the logits beside the sum of the blocks' losses; of `1 - cos` where answers are features. */
  readonly klWeight: number;
  /**
   * Steps of the training; or the wall-clock seconds it may take, looks included. Seconds become steps once, by the rate
   * of a few steps made for the purpose, so the rate still decays to zero and an interrupted training goes on to the same
   * weights; but another machine, or this one when busy, chooses another number of steps.
   */
  readonly steps: number | { readonly seconds: number };
  /** Default: none. */
  readonly earlyStop?: EarlyStopRule | null;
}

/**
 * Ends a training whose held-out KL has dried up: over the last `patience` looks no student's fell by the share
 * `minimumGain` below its lowest before them. Most of what a decaying rate gives comes at its end, so the end is not cut
 * off but hurried (`planEnd`). A type, not an interface, so that it is JSON.
 */
export type EarlyStopRule = {
  /** Of the 10 looks that a training takes. */
  readonly patience: number;
  readonly minimumGain: number;
};

/** A whole model of pruned blocks. */
export interface TrainedModel {
  /** `w0384` */
  readonly id: string;
  /** One for each block. */
  readonly ffns: readonly FfnWeights[];
}

export interface TrainingTask {
  /** For messages, e.g. `distill/shard-0`. */
  readonly subject: string;
  /** The teacher; not changed. */
  readonly model: ModelTensors;
  /** Where training starts: the refits, one student for each width. Ids are unique. */
  readonly students: readonly TrainedModel[];
  /**
   * Normalised pixels [B, S, S, C] of the training images from a step on, endless, the same for the same step, made when asked for
   * (`epochBatches`). Disposed here.
   */
  readonly batches: (firstStep: number) => AsyncIterable<tf.Tensor4D>;
  /** Images that neither refit nor training sees, in batches, the same every time; at most `lookImages` are enough. Disposed here. */
  readonly heldOut: () => AsyncIterable<tf.Tensor4D>;
  /** Share of a batch's images that go through the student's own blocks; the rest have the teacher's stream before every block. */
  readonly composedShare: number;
  readonly settings: TrainingSettings;
  /**
   * In what a student's steps are made, by the least held-out error of its refitted blocks. Asked once, when the training first
   * starts: a checkpoint keeps the answer. Default: float32. Looks are always computed in float32.
   */
  readonly precisionOf?: ((student: TrainedModel & { readonly refitError: number }) => Precision) | undefined;
  readonly signal: AbortSignal;
  readonly checkpoint: TrainingCheckpoint;
  /** Fewest seconds between checkpoints; default 30. */
  readonly checkpointSeconds?: number;
  /** Metrics: `loss <id>` of each student (mean since the last report), imagesPerSecond and gflopPerSecond. */
  readonly onProgress?: (progress: TrainingProgress) => void;
}

/** What was measured on held-out images after a step; of the refits after step 0. A type, not an interface, so that it is JSON. */
export type ModelLook = {
  readonly step: number;
  /** Since the training began, interruptions not counted. Differs from run to run. */
  readonly seconds: number;
  /** By student: KL(teacher || whole student), mean over images, in nats; of features `1 - cos`. */
  readonly kl: readonly number[];
  /**
   * By student: share of the images that it and the teacher put into one class; of features, whose nearest feature of the teacher,
   * among those of a batch, is that of the same image.
   */
  readonly agreement: readonly number[];
  /**
   * By student and block: squared error on the teacher's inputs over the centred energy of the teacher block's output; of the last
   * block for the tokens alone that the head reads.
   */
  readonly errors: readonly (readonly number[])[];
  /** By student: mean loss of the steps since the last look; none at step 0. */
  readonly losses?: readonly number[];
};

export interface TrainedStudent {
  readonly id: string;
  /** By block: the better of refit and trained, by the KL of the whole. */
  readonly ffns: readonly FfnWeights[];
  readonly kept: 'refit' | 'trained';
  /** Of the refits, on held-out images. */
  readonly klBefore: number;
  /** Of the best trained weights, also where the refits are kept. */
  readonly klAfter: number;
  /** By block, of the refits and of the best trained weights (`ModelLook`). */
  readonly errorsBefore: readonly number[];
  readonly errorsAfter: readonly number[];
  /** By block: 1 - after / before; below 0 where a block's own error grew. */
  readonly gains: readonly number[];
  /** The step after which the best trained weights were seen. */
  readonly bestStep: number;
  /** Of the products of its steps. */
  readonly precision: Precision;
}

export interface TrainingResult {
  readonly students: readonly TrainedStudent[];
  /** The refits at step 0, then 10 looks; fewer after an early stop. */
  readonly history: readonly ModelLook[];
  /** The schedule was laid out for `planned`; an early stop makes fewer. */
  readonly steps: { readonly planned: number; readonly made: number };
}
