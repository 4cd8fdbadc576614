import { extentOf, tokensPerImage, type Architecture } from '../../model/architecture.ts';
import type { GraphBuilder, Value } from '../builder.ts';
import { ffn, linear } from '../layers.ts';
import type { ModelOutputs } from '../model-outputs.ts';
import { preNormAttention, preNormLastAttention } from './pre-norm-attention.ts';

/** rows x [N, D] -> rows [N, D] by the norm `name`. */
type Norm = (graph: GraphBuilder, name: string, architecture: Architecture, x: Value) => Value;

/**
 * The whole model, images -> logits [B, classes], as `pipeline/model/backbones/pre-norm.ts` computes it: pre-norm encoder, the
 * last layer for the class token only, unless the head reads the patches. B batch, T tokens, D width. The residual stream is kept as rows [B T, D], so that
 * every linear layer is one plain matrix product; only attention looks at images.
 */
export function buildPreNorm(
  norm: Norm,
  graph: GraphBuilder,
  architecture: Architecture,
  { features = false }: ModelOutputs = {},
): void {
  const { imageSize, channels, width, depth, classes, pool } = architecture;
  graph.within('embed');
  let x = embed(graph, architecture, graph.images('images', extentOf(imageSize), channels));
  for (let index = 0; index < depth; index++) {
    const isLast = index === depth - 1 && pool === undefined;
    const attention = isLast ? preNormLastAttention : preNormAttention;
    x = attention(graph, architecture, index, x, norm(graph, `blocks.${index}.norm1`, architecture, x));
    const z = norm(graph, `blocks.${index}.norm2`, architecture, x);
    const branch = ffn(graph, architecture, index, z);
    graph.within(`blocks.${index}`);
    x = graph.add(x, branch);
  }
  const pooled = read(norm, graph, architecture, x);
  const taken = features ? graph.output('features', pooled, width) : pooled;
  graph.within('head');
  graph.output('logits', linear(graph, 'head', taken), classes);
}

/** The class tokens [B, D] or, with `pool`, rows [B T, D] -> what the head takes [B, D]. */
function read(norm: Norm, graph: GraphBuilder, architecture: Architecture, x: Value): Value {
  const { width, pool } = architecture;
  const tokens = tokensPerImage(architecture);
  const patches = (rows: Value): Value =>
    graph.slice(graph.reshape(rows, [-1, tokens, width]), 3, 1, 1, tokens);
  if (pool === 'mean') return norm(graph, 'norm', architecture, graph.mean(patches(x)));
  const normed = norm(graph, 'norm', architecture, x);
  return pool === undefined ? normed : graph.mean(patches(normed));
}

/**
 * -> rows [B T, D]. The class token enters by padding, not by repeating it for every image: room for it before the
 * patches, and its value in the first row of the positions. So no operation asks for the batch size.
 */
function embed(graph: GraphBuilder, architecture: Architecture, images: Value): Value {
  const { patchSize, width } = architecture;
  const tokens = tokensPerImage(architecture);
  const kernel = graph.weight('patch_embed.proj.weight');
  const patches = graph.patches(images, kernel, graph.weight('patch_embed.proj.bias'), patchSize);
  const classToken = graph.pad(graph.weight('cls_token'), 3, 1, 0, tokens - 1);
  const positions = graph.add(graph.weight('pos_embed'), classToken);
  return graph.reshape(graph.add(graph.pad(patches, 3, 1, 1, 0), positions), [-1, width]);
}
