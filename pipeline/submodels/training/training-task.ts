import type { TrainingProgress } from '../../tensor/training-progress.ts';
import type { Architecture } from '../../model/architecture.ts';
import type { HostWeights } from '../../model/host-weights.ts';
import type { TrainingCheckpoint } from '../../tensor/training-state.ts';
import type { ImageStore } from './image-store.ts';
import type { TrainingSettings } from './schema.ts';

/** What a sub-model tells apart. A type, not an interface, so that it is JSON. */
export type ClassSubset = {
  /** Classes of the data: the sub-model's outputs in their order. */
  readonly classes: readonly number[];
  /** Whether one more output, the last, stands for all other classes. */
  readonly other: boolean;
};

/** What the teacher says of the images of a store, row by row, so that training needs no teacher. */
export interface TeacherTargets {
  /** K, of the data. */
  readonly classes: number;
  /** D, the teacher's. */
  readonly width: number;
  /** [N, K] */
  readonly logits: Float32Array;
  /** [N, D]: what the teacher's last layer takes. May be left out where features have no weight. */
  readonly features?: Float32Array | undefined;
}

/** A teacher in memory. Of any family, with one output per class of the data. */
export interface OnlineTeacher {
  readonly architecture: Architecture;
  readonly weights: HostWeights;
}

export interface SubmodelTrainTask {
  /** For messages, e.g. `two-00`. */
  readonly name: string;
  /** Of any family; `classes` is the number of outputs that the subset asks for. */
  readonly architecture: Architecture;
  /** Where training starts; not changed. */
  readonly weights: HostWeights;
  readonly subset: ClassSubset;
  readonly images: ImageStore;
  readonly targets: TeacherTargets;
  /** Of the mirrored images, where the teacher was asked about them; else mirrored images go with its word on the plain ones. */
  readonly flippedTargets?: TeacherTargets | undefined;
  /**
   * Asked on the very pixels that the sub-model sees: needed for relations, and where images are mixed. Without it `targets` stand
   * for every view of an image. `targets` are always what the held-out images are judged by, so they are this teacher's.
   */
  readonly teacher?: OnlineTeacher | undefined;
  readonly settings: TrainingSettings;
  /** Equal for all sub-models of a fleet: it chooses the images that are held out. */
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly checkpoint: TrainingCheckpoint;
  /** Seconds between checkpoints; default 30. */
  readonly checkpointSeconds?: number | undefined;
  /** Metrics: loss (mean since the last report), imagesPerSecond, and heldOutAccuracy (own classes) once it is known. */
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined;
}

/** What the loop of all trainings takes: a sub-model, or a whole model that learns from labels through its restricted answers. */
export interface TrainingTask extends Omit<SubmodelTrainTask, 'targets'> {
  /** Absent: the labels stand for what a teacher says. */
  readonly targets?: TeacherTargets | undefined;
  /** Whether the architecture has an output for each class of the data. Default: no, those of the subset. */
  readonly restricts?: boolean | undefined;
}

/** What held-out images say of a sub-model. A type, not an interface, so that it is JSON. */
export type HeldOutScores = {
  /** Mean KL(teacher || sub-model) of the outputs' probabilities, at temperature 1; where there is no teacher, from the labels. */
  readonly divergence: number;
  /** Share right of the images of its own classes, among its own classes. */
  readonly ownAccuracy: number;
  /** Share right among all its outputs, images of other classes included. */
  readonly accuracy: number;
};

/** One look at the held-out images. A type, not an interface, so that it is JSON. */
export type TrainingLook = HeldOutScores & {
  /** 0 is the start. */
  readonly step: number;
  /** Since the training began, interruptions not counted. Differs from run to run. */
  readonly seconds: number;
  /** Which weights: those of the step, or their running mean. */
  readonly of: 'weights' | 'average';
  /** Mean training loss since the look before; null at the start. */
  readonly trainingLoss: number | null;
};

export interface TrainedSubmodel {
  /** The best of all looks, the start among them; where the running mean is asked for, of those at it and the start. */
  readonly weights: HostWeights;
  readonly history: readonly TrainingLook[];
  readonly start: TrainingLook;
  readonly best: TrainingLook;
  readonly steps: number;
  readonly images: { readonly perEpoch: number; readonly own: number; readonly heldOut: number };
}
