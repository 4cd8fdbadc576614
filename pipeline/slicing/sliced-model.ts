import type { Architecture } from '../model/architecture.ts';
import type { HostWeights } from '../model/host-weights.ts';

/** A model of the family sliced-vit (`model/family/sliced-vit.ts`): a whole folded ViT, or what was left of one. */
export interface SlicedModel {
  readonly architecture: Architecture;
  /** By canonical name, matrices [out, in]. Nobody changes them: a step that would makes others. */
  readonly weights: HostWeights;
}
