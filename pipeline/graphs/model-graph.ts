import { blockWidth, familyName, type Architecture } from '../model/architecture.ts';
import { fail } from '../util/failure.ts';
import { buildCct } from './backbones/cct.ts';
import { buildDeit } from './backbones/deit.ts';
import { buildSlicedVit } from './backbones/sliced-vit.ts';
import { buildSwin } from './backbones/swin.ts';
import { buildVit } from './backbones/vit.ts';
import type { GraphBuilder } from './builder.ts';
import { ffn } from './layers.ts';
import type { ModelOutputs } from './model-outputs.ts';

/** By family. One that is not here runs in this code base and cannot be exported as a graph. */
const builders: Readonly<
  Record<string, (graph: GraphBuilder, architecture: Architecture, outputs?: ModelOutputs) => void>
> = { vit: buildVit, deit: buildDeit, 'sliced-vit': buildSlicedVit, cct: buildCct, swin: buildSwin };

/**
 * The whole model, images -> `logits` [B, classes] (`outputName`), and whatever else is asked for before it.
 * @throws BlockForgeError `checkpoint-unsupported` where nobody has described the family as a graph
 */
export function buildModel(graph: GraphBuilder, architecture: Architecture, outputs?: ModelOutputs): void {
  const name = familyName(architecture);
  const build = Object.hasOwn(builders, name) ? builders[name] : undefined;
  if (build === undefined) {
    return fail({
      reason: 'checkpoint-unsupported',
      subject: `a graph of a model of the family ${name}`,
      found: 'no description',
      expected: `one of ${Object.keys(builders).join(', ')}`,
      next: `leave graphs out, or describe it in pipeline/graphs/backbones/${name}.ts`,
    });
  }
  build(graph, architecture, outputs);
}

/** One descendant alone: `tokens` [rows, D], what fc1 receives -> `output` [rows, D], before the residual sum. */
export function buildFfn(graph: GraphBuilder, architecture: Architecture, index: number): void {
  const width = blockWidth(architecture, index);
  graph.output('output', ffn(graph, architecture, index, graph.rows('tokens', width)), width);
}
