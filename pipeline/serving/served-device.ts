import type { Preprocessing } from '../../datasets/contract.ts';

/** What a device serves: sub-models that turn one image into one feature vector each. */
export interface ServedDevice {
  readonly name: string;
  /** SHA-256 of its package's manifest, hexadecimal. */
  readonly packageSha256: string;
  readonly preprocessing: Preprocessing;
  /** `width`: numbers in the feature vector. */
  readonly models: readonly { readonly id: string; readonly width: number }[];
  readonly engine: FeatureEngine;
}

export interface FeatureEngine {
  /** e.g. `onnxruntime 1.30.0` */
  readonly description: string;
  /**
   * @param image [C, height, width], normalised
   * @returns a feature vector per model, in the models' order
   */
  readonly extract: (image: Float32Array) => Promise<readonly Float32Array[]>;
  readonly close: () => Promise<void>;
}
