import type { Architecture } from '../../model/architecture.ts';
import type { GraphBuilder } from '../builder.ts';
import { rmsNorm } from '../layers.ts';
import type { ModelOutputs } from '../model-outputs.ts';
import { buildPreNorm } from './pre-norm.ts';

/** The sliced ViT, as `pipeline/model/backbones/sliced-vit.ts` computes it. */
export function buildSlicedVit(
  graph: GraphBuilder,
  architecture: Architecture,
  outputs?: ModelOutputs,
): void {
  buildPreNorm(rmsNorm, graph, architecture, outputs);
}
