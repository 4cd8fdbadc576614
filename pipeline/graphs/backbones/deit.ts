import type { Architecture } from '../../model/architecture.ts';
import type { GraphBuilder } from '../builder.ts';
import { norm } from '../layers.ts';
import type { ModelOutputs } from '../model-outputs.ts';
import { buildPreNorm } from './pre-norm.ts';

/** The distilled DeiT, as `pipeline/model/backbones/deit.ts` computes it. */
export function buildDeit(graph: GraphBuilder, architecture: Architecture, outputs?: ModelOutputs): void {
  buildPreNorm(norm, graph, architecture, outputs);
}
