import type { Architecture } from '../model/architecture.ts';
import type { HostWeights } from '../model/host-weights.ts';
import type { SlicedModel } from './sliced-model.ts';

/** The same function as a sliced ViT of which nothing is cut yet. */
export function foldVit(weights: HostWeights, architecture: Architecture): SlicedModel {
  throw new Error(`not yet: ${Object.keys(weights).length} tensors of ${architecture.depth} layers`);
}
