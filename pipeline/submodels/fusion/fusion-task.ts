import type { FusionHead, FusionKind, FusionLayer } from './fusion-head.ts';
import type { FusionConfig } from './schema.ts';

/** What the sub-models say of N images, and what is known of these. */
export interface FusionData {
  /** [N, d_j] of every sub-model, row-major. */
  readonly features: readonly Float32Array[];
  readonly images: number;
  /** [N], below K. Without them the teacher's best class stands for the label. */
  readonly labels?: ArrayLike<number> | undefined;
  /** [N, K] of the teacher, restricted to the classes. */
  readonly teacherLogits?: Float32Array | undefined;
  /** [N, W]: what the teacher's last layer takes. `fit` needs them where the settings ask for the head `tokens`. */
  readonly teacherFeatures?: Float32Array | undefined;
}

export interface FusionTask {
  /** d_j of the sub-models. */
  readonly widths: readonly number[];
  /** Their names, which travel with the head. */
  readonly submodels?: readonly string[] | undefined;
  /** K */
  readonly classes: number;
  readonly fit: FusionData;
  /** Images that choose: the ridge, when to stop, which head. Never those of the test. */
  readonly heldOut: FusionData;
  /** [W, K] and [K], as `teacherHeadOf` gives it. Needed where the settings ask for the head `tokens`. */
  readonly teacherHead?: FusionLayer | undefined;
  /** Heads that were made elsewhere for these very features, with what the report calls them: candidates like the others. */
  readonly given?: readonly { readonly name: string; readonly head: FusionHead }[] | undefined;
  readonly settings: FusionConfig;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: FusionProgress) => void) | undefined;
}

export interface FusionProgress {
  readonly fraction: number;
  readonly note: string;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Held-out top-1 shares and the mean cross-entropy in nats. */
export interface FusionScores {
  readonly top1: number;
  readonly crossEntropy: number;
  /** top-1 with each sub-model absent, in their order; empty for one alone. */
  readonly absentTop1: readonly number[];
}

export interface FusionCandidate extends FusionScores {
  /** "ridge on labels, ridge 0.01", "tower", "tokens". */
  readonly name: string;
  readonly kind: FusionKind;
  readonly seconds: number;
}
