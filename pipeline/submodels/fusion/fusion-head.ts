/** A linear layer: kernel [in, out] row-major, bias [out]. */
export interface FusionLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
}

export const fusionKinds = ['ridge', 'tower', 'tokens'] as const;
/** ridge: one layer. tower: a shrinking MLP. tokens: linear to the teacher's token, linear to the classes. */
export type FusionKind = (typeof fusionKinds)[number];

/** Of a tower's hidden layers. */
export const towerActivations = ['relu', 'gelu'] as const;
export const activationNames = [...towerActivations, 'identity'] as const;
export type Activation = (typeof activationNames)[number];

/**
 * What turns the features of a fleet's sub-models into logits over all classes, also where some are absent. F is the sum
 * of the widths; a sub-model's features stand one after another in the order of the sub-models.
 */
export interface FusionHead {
  readonly kind: FusionKind;
  readonly classes: number;
  /**
   * Names of the sub-models, in the order of their features; undefined in heads of earlier files. Whoever brings features
   * asks `requireFleet`, as a place says nothing of whose features stand there.
   */
  readonly submodels?: readonly string[] | undefined;
  /** d_j: how many features each sub-model sends. */
  readonly widths: readonly number[];
  /** [F] what is subtracted from features. */
  readonly mean: Float32Array;
  /** [F] what they are then multiplied by; 0 for a feature that never changes. */
  readonly scale: Float32Array;
  /** [F, F] symmetric: the inverse of the standardised features' covariance plus a ridge. */
  readonly precision: Float32Array;
  /** The activation stands between layers; the last one's outputs are logits, scaled so that softmax gives probabilities. */
  readonly layers: readonly FusionLayer[];
  readonly activation: Activation;
}

export function fusionWidth({ widths }: Pick<FusionHead, 'widths'>): number {
  return widths.reduce((sum, width) => sum + width, 0);
}
