import type { Json } from '../util/hash.ts';

/** What a training loop needs to go on where it stopped: small values that JSON keeps exactly, and arrays by name. */
export interface TrainingState {
  readonly meta: { readonly [key: string]: Json };
  readonly tensors: Readonly<Record<string, Float32Array>>;
}

/** Where a training loop keeps its state. The loop decides when; the store decides how (it must be atomic). */
export interface TrainingCheckpoint {
  load(): Promise<TrainingState | undefined>;
  save(state: TrainingState): Promise<void>;
}
