import type { Precision } from '../tensor/recorded/precision.ts';
import type { ModelLook } from './distill-task.ts';

/** How the widths of a job were trained, all blocks at once. */
export interface TrainingHistory {
  /** The schedule was laid out for `planned`; an early stop makes fewer. */
  readonly steps: { readonly planned: number; readonly made: number };
  /** Widest first. */
  readonly widths: readonly TrainedWidth[];
  /** The refits at step 0, then the students. */
  readonly looks: readonly ModelLook[];
}

/** KL(teacher || uniform model) on held-out images, in nats. A type, not an interface, so that it is JSON. */
export type TrainedWidth = {
  readonly width: number;
  /** Whose weights are the final descendants, of all blocks. */
  readonly kept: 'refit' | 'trained';
  readonly klBefore: number;
  /** Of the best trained weights, also where the refit is kept. */
  readonly klAfter: number;
  /** Of the products of its steps. */
  readonly precision: Precision;
};
