import {
  extentOf,
  featureWidth,
  headNames,
  lastBlockTokens,
  outputName,
  prefixTokens,
  tokensPerImage,
  type Architecture,
} from '../../model/architecture.ts';
import type { GraphBuilder, Value } from '../builder.ts';
import { ffn, linear } from '../layers.ts';
import type { ModelOutputs } from '../model-outputs.ts';
import { pooledRows } from './pooling.ts';
import { preNormAttention, preNormLastAttention } from './pre-norm-attention.ts';

/** rows x [N, D] -> rows [N, D] by the norm `name`. */
export type Norm = (graph: GraphBuilder, name: string, architecture: Architecture, x: Value) => Value;

/** What may differ at both ends of the encoder. */
export interface Ends {
  /** Images -> rows [B T, D]. */
  readonly embed: (graph: GraphBuilder, architecture: Architecture, images: Value, norm: Norm) => Value;
  /** Rows [B T, D] -> what the head takes [B, F]. */
  readonly read: (norm: Norm, graph: GraphBuilder, architecture: Architecture, x: Value) => Value;
  /** Whether the head reads every token, so that all are computed in the last layer. */
  readonly readsAll: boolean;
}

/**
 * The whole model, images -> logits [B, classes] (or `features`, of one that is no classifier), as `pipeline/model/backbones/pre-norm.ts` computes it: pre-norm encoder, the
 * last layer for the tokens that the heads read only, unless these are the patches. B batch, T tokens, D width. The residual stream is kept as rows [B T, D], so that
 * every linear layer is one plain matrix product; only attention looks at images.
 */
export function buildPreNorm(
  norm: Norm,
  graph: GraphBuilder,
  architecture: Architecture,
  { features = false }: ModelOutputs = {},
  ends: Ends = { embed, read, readsAll: architecture.pool !== undefined },
): void {
  const { imageSize, channels, depth, classes } = architecture;
  graph.within('embed');
  const images = graph.images('images', extentOf(imageSize), channels);
  let x = ends.embed(graph, architecture, images, norm);
  for (let index = 0; index < depth; index++) {
    const isLast = index === depth - 1 && !ends.readsAll;
    const attention = isLast ? preNormLastAttention : preNormAttention;
    x = attention(graph, architecture, index, x, norm(graph, `blocks.${index}.norm1`, architecture, x));
    const z = norm(graph, `blocks.${index}.norm2`, architecture, x);
    const branch = ffn(graph, architecture, index, z);
    graph.within(`blocks.${index}`);
    x = graph.add(x, branch);
  }
  const pooled = represented(graph, architecture, ends.read(norm, graph, architecture, x));
  if (architecture.answer === 'pooled') {
    graph.output(outputName(architecture), pooled, featureWidth(architecture));
    return;
  }
  const taken = features ? graph.output('features', pooled, featureWidth(architecture)) : pooled;
  graph.within('head');
  graph.output(outputName(architecture), classify(graph, architecture, taken), classes);
}

/** What is pooled -> tanh of a linear layer of it, of a model with a representation layer; else the same. */
function represented(graph: GraphBuilder, { representation }: Architecture, pooled: Value): Value {
  if (representation === undefined) return pooled;
  graph.within('pre_logits');
  return graph.tanh(linear(graph, 'pre_logits', pooled));
}

/** Features [B, P D] -> logits: of one head, or the mean of two, each of its own token. */
function classify(graph: GraphBuilder, architecture: Architecture, features: Value): Value {
  const { width } = architecture;
  const names = headNames(architecture);
  if (names.length === 1) return linear(graph, 'head', features);
  const [first, second] = names.map((name, i) =>
    linear(graph, name, graph.slice(features, 2, 1, i * width, (i + 1) * width)),
  ) as [Value, Value];
  return graph.scale(graph.add(first, second), 0.5);
}

/** The P tokens that the heads read, rows [B P, D], or, with `pool`, rows [B T, D] -> what the head takes [B, F]. */
function read(norm: Norm, graph: GraphBuilder, architecture: Architecture, x: Value): Value {
  const { width, pool } = architecture;
  if (pool !== undefined) return pooledRows(norm, graph, architecture, x, pool);
  const count = lastBlockTokens(architecture);
  const normed = norm(graph, 'norm', architecture, x);
  return count === 1 ? normed : graph.reshape(normed, [-1, count * width]);
}

/**
 * -> rows [B T, D]. The tokens before the patches enter by padding, not by repeating them for every image: room for them
 * before the patches, and their values in the first rows of the positions. So no operation asks for the batch size.
 */
function embed(graph: GraphBuilder, architecture: Architecture, images: Value, norm: Norm): Value {
  const { patchSize, width, registers = 0, normPre } = architecture;
  const tokens = tokensPerImage(architecture);
  const kernel = graph.weight('patch_embed.proj.weight');
  const patches = graph.patches(images, kernel, graph.weight('patch_embed.proj.bias'), patchSize);
  const prefix = prefixTokens(architecture);
  const placed = prefix - registers;
  let positions = graph.weight('pos_embed');
  if (registers > 0) {
    const part = (from: number, to: number): Value => graph.slice(positions, 3, 1, from, to);
    const behind = graph.pad(part(placed, tokens - registers), 3, 1, prefix, 0);
    const before = placed === 0 ? [] : [graph.pad(part(0, placed), 3, 1, 0, tokens - placed)];
    const own = graph.pad(graph.weight('reg_token'), 3, 1, placed, tokens - prefix);
    positions = [...before, own].reduce((sum, value) => graph.add(sum, value), behind);
  }
  for (const [place, name] of ['cls_token', 'dist_token'].slice(0, placed).entries()) {
    positions = graph.add(positions, graph.pad(graph.weight(name), 3, 1, place, tokens - 1 - place));
  }
  const padded = prefix === 0 ? patches : graph.pad(patches, 3, 1, prefix, 0);
  const rows = graph.reshape(graph.add(padded, positions), [-1, width]);
  return normPre === true ? norm(graph, 'norm_pre', architecture, rows) : rows;
}
