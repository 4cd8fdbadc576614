import type { Preprocessing } from '../../datasets/contract.ts';

/** What a coordinator knows of its fleet. */
export interface FleetPlan {
  readonly name: string;
  readonly preprocessing: Preprocessing;
  readonly classes: number;
  readonly classNames: readonly string[] | null;
  readonly devices: readonly PlannedDevice[];
  /** In the order in which `fuse` takes their features. */
  readonly models: readonly PlannedModel[];
  /**
   * @param features of every model; undefined where its device did not answer, at least one is there
   * @returns logits [classes]
   */
  readonly fuse: (features: readonly (Float32Array | undefined)[]) => Float32Array;
}

export interface PlannedDevice {
  readonly name: string;
  /** SHA-256 of its package's manifest, hexadecimal. */
  readonly packageSha256: string;
}

export interface PlannedModel {
  readonly id: string;
  readonly device: string;
  /** Numbers in its feature vector. */
  readonly width: number;
  /** How many classes it knows. */
  readonly classes: number;
}
