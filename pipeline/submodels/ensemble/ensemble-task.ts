import type { Architecture } from '../../model/architecture.ts';
import type { HostWeights } from '../../model/host-weights.ts';
import type { TrainingCheckpoint } from '../../tensor/training-state.ts';
import type { FusionHead, FusionLayer } from '../fusion/fusion-head.ts';
import type { ImageStore } from '../training/image-store.ts';
import type { TrainingProgress } from '../../tensor/training-progress.ts';
import type { ClassSubset, TeacherTargets } from '../training/training-task.ts';
import type { EnsembleSettings } from './schema.ts';

export interface EnsembleMember {
  /** e.g. `two-00`. */
  readonly name: string;
  /** Of any family, each its own. */
  readonly architecture: Architecture;
  /** Where training starts; not changed. */
  readonly weights: HostWeights;
  readonly subset: ClassSubset;
}

export interface EnsembleTask {
  /** For messages: of the fleet. */
  readonly name: string;
  /** In the order in which their features stand in the head. */
  readonly submodels: readonly EnsembleMember[];
  readonly images: ImageStore;
  /** What the teacher says of these images; features are needed. */
  readonly targets: TeacherTargets;
  /** [W, K] and [K], as `teacherHeadOf` gives it: where the head's second layer starts. */
  readonly teacherHead: FusionLayer;
  /** Asked about the very pixels that the sub-models see. Needed where images are mixed; without it the stored `targets` stand for them. */
  readonly teacher?: { readonly architecture: Architecture; readonly weights: HostWeights } | undefined;
  readonly settings: EnsembleSettings;
  /** Tried for the start, as the fusion's. */
  readonly ridges: readonly number[];
  /** Share of every class's images that chooses; that of the sub-models' own training, or the choice is not fair. */
  readonly heldOut: number;
  /** That of the sub-models' own training, for the same reason. */
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly checkpoint: TrainingCheckpoint;
  /** Seconds between checkpoints; default 30. */
  readonly checkpointSeconds?: number | undefined;
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined;
}

/** One look at the held-out images. A type, not an interface, so that it is JSON. */
export type EnsembleLook = {
  /** 0 is the start. */
  readonly step: number;
  /** Since the training began, interruptions not counted. Differs from run to run. */
  readonly seconds: number;
  /** Which weights: those of the step, or their running mean. */
  readonly of: 'weights' | 'average';
  /** Share right among all classes, and the labels' mean cross-entropy in nats. */
  readonly top1: number;
  readonly crossEntropy: number;
  /** Share of the variance of the teacher's token that the mapped one misses. */
  readonly missed: number;
  /** Mean training loss since the look before; null at the start. */
  readonly trainingLoss: number | null;
};

export interface TrainedEnsemble {
  /** Of the best look, the start among them; in the order of the task. */
  readonly weights: readonly HostWeights[];
  /** Of the kind `tokens`, with standardisation and precision of the final features. */
  readonly head: FusionHead;
  readonly history: readonly EnsembleLook[];
  readonly start: EnsembleLook;
  readonly best: EnsembleLook;
  readonly steps: number;
  readonly images: { readonly training: number; readonly heldOut: number };
}
