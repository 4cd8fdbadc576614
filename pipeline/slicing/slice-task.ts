import type * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../model/architecture.ts';
import type { HostWeights } from '../model/host-weights.ts';
import type { JobProgress } from '../runner/contract.ts';
import type { Json } from '../util/hash.ts';
import type { SliceSettings } from './schema.ts';
import type { ShapeLimits } from './shape.ts';
import type { SlicedModel } from './sliced-model.ts';

export interface SliceTask {
  readonly teacher: { readonly weights: HostWeights; readonly architecture: Architecture };
  /** Outputs of the teacher that the sub-model is to have. */
  readonly classes: readonly number[];
  /** Whether it has one more, for all the others together: their log-sum-exp. */
  readonly other: boolean;
  /** Pixels [B, S, S, C] of the subset's images; may be walked again. Whoever walks disposes. */
  readonly fit: () => AsyncIterable<tf.Tensor4D>;
  /** The same of images that nothing is fitted to. */
  readonly judge: () => AsyncIterable<tf.Tensor4D>;
  readonly limits: ShapeLimits;
  readonly settings: SliceSettings;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: JobProgress) => void;
}

export interface SliceResult {
  readonly model: SlicedModel;
  /** The shape, what was measured to find it, and the divergence from the teacher among the classes on the judging images. */
  readonly report: Json;
}
