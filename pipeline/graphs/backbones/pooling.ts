import { prefixTokens, tokensPerImage, type Architecture } from '../../model/architecture.ts';
import type { GraphBuilder, Value } from '../builder.ts';
import { linear, norm as layerNorm } from '../layers.ts';
import { mix, splitHeads } from './pre-norm-attention.ts';

type Norm = (graph: GraphBuilder, name: string, architecture: Architecture, x: Value) => Value;

/** Rows [B T, D] -> what heads take that read more than single tokens [B, F], as `pipeline/model/backbones/pooling.ts` computes it. */
export function pooledRows(
  norm: Norm,
  graph: GraphBuilder,
  architecture: Architecture,
  x: Value,
  pool: NonNullable<Architecture['pool']>,
): Value {
  const { width } = architecture;
  const [tokens, prefix] = [tokensPerImage(architecture), prefixTokens(architecture)];
  const part = (rows: Value, from: number, to: number): Value =>
    graph.slice(graph.reshape(rows, [-1, tokens, width]), 3, 1, from, to);
  const patches = (rows: Value): Value => part(rows, prefix, tokens);
  if (pool === 'mean') return norm(graph, 'norm', architecture, graph.mean(patches(x)));
  if (pool === 'unnormed-mean') return graph.mean(patches(x));
  if (pool === 'max') return norm(graph, 'norm', architecture, graph.max(patches(x)));
  const normed = norm(graph, 'norm', architecture, x);
  switch (pool) {
    case 'normed-mean':
      return graph.mean(patches(normed));
    case 'normed-max':
      return graph.max(patches(normed));
    case 'class-and-mean':
      return graph.concat([graph.reshape(part(normed, 0, 1), [-1, width]), graph.mean(patches(normed))], 1);
    case 'attention':
      return attended(graph, architecture, normed, tokens);
    case 'patch-attention':
      return attended(graph, architecture, graph.reshape(patches(normed), [-1, width]), tokens - prefix);
  }
}

/** Rows [B T, D] of so many tokens an image -> [B, D]. */
function attended(graph: GraphBuilder, architecture: Architecture, rows: Value, tokens: number): Value {
  const { width, heads, gelu } = architecture;
  const size = width / heads;
  graph.within('attn_pool');
  const latent = graph.reshape(graph.weight('attn_pool.latent'), [1, width]);
  const q = graph.reshape(linear(graph, 'attn_pool.q', latent), [1, heads, 1, size]);
  const keysValues = linear(graph, 'attn_pool.kv', rows);
  const [k, v] = splitHeads(graph, keysValues, tokens, heads, size, 2) as [Value, Value];
  const found = graph.reshape(mix(graph, q, k, v, size), [-1, width]);
  const projected = linear(graph, 'attn_pool.proj', found);
  const z = layerNorm(graph, 'attn_pool.norm', architecture, projected);
  graph.within('attn_pool.mlp');
  const hidden = graph.gelu(linear(graph, 'attn_pool.mlp.fc1', z), gelu);
  return graph.add(projected, linear(graph, 'attn_pool.mlp.fc2', hidden));
}
