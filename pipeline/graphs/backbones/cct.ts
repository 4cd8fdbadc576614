import { tokensPerImage, type Architecture } from '../../model/architecture.ts';
import { convolutions } from '../../model/family/cct.ts';
import type { GraphBuilder, Value } from '../builder.ts';
import { linear, norm } from '../layers.ts';
import type { ModelOutputs } from '../model-outputs.ts';
import { buildPreNorm, type Norm } from './pre-norm.ts';

/** The Compact Convolutional Transformer, as `pipeline/model/backbones/cct.ts` computes it. */
export function buildCct(graph: GraphBuilder, architecture: Architecture, outputs?: ModelOutputs): void {
  buildPreNorm(norm, graph, architecture, outputs, { embed, read, readsAll: true });
}

function embed(graph: GraphBuilder, architecture: Architecture, images: Value): Value {
  const { width } = architecture;
  let map = images;
  for (const [i, { stride }] of convolutions(architecture).entries()) {
    const name = `tokenizer.${i}`;
    map = graph.convolved(map, graph.weight(`${name}.weight`), graph.weight(`${name}.bias`), stride);
  }
  const tokens = graph.places(map, tokensPerImage(architecture), width);
  return graph.reshape(graph.add(tokens, graph.weight('pos_embed')), [-1, width]);
}

/** Rows [B T, D] -> the mean of the normalised tokens by weights that a linear layer gives them [B, D]. */
function read(norm: Norm, graph: GraphBuilder, architecture: Architecture, x: Value): Value {
  const { width } = architecture;
  const tokens = tokensPerImage(architecture);
  const normed = norm(graph, 'norm', architecture, x);
  graph.within('attention_pool');
  const scores = graph.reshape(linear(graph, 'attention_pool', normed), [-1, 1, 1, tokens]);
  const mean = graph.matmul(graph.softmax(scores), graph.reshape(normed, [-1, 1, tokens, width]));
  return graph.reshape(mean, [-1, width]);
}
