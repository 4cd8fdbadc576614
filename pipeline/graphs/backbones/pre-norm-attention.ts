import { lastBlockTokens, layerShapes, tokensPerImage, type Architecture } from '../../model/architecture.ts';
import type { GraphBuilder, Value } from '../builder.ts';
import { linear } from '../layers.ts';
import { relativeBias } from './relative-bias.ts';

/** rows [B T, D]: the stream x and z, its norm -> `x + attention(z)`. */
export function preNormAttention(
  graph: GraphBuilder,
  architecture: Architecture,
  index: number,
  x: Value,
  z: Value,
): Value {
  const { heads, keySize, valueSize } = layerShapes(architecture)[index]!;
  const tokens = tokensPerImage(architecture);
  const block = `blocks.${index}`;
  graph.within(`${block}.attn`);
  let parts: readonly Value[];
  if (keySize === valueSize) {
    parts = splitHeads(graph, linear(graph, `${block}.attn.qkv`, z), tokens, heads, keySize, 3);
  } else {
    const [keys, all] = [2 * heads * keySize, heads * (2 * keySize + valueSize)];
    const part = qkvParts(graph, block);
    parts = [
      ...splitHeads(graph, part(z, 0, keys), tokens, heads, keySize, 2),
      ...splitHeads(graph, part(z, keys, all), tokens, heads, valueSize, 1),
    ];
  }
  const [q, k, v] = parts as [Value, Value, Value];
  const turn = (x: Value): Value => turned(graph, architecture, x);
  const bias = relativeBias(graph, architecture, index, 'all');
  const mixed = graph.transpose(mix(graph, turn(q), turn(k), v, keySize, bias), [0, 2, 1, 3]);
  const rows = graph.reshape(mixed, [-1, heads * valueSize]);
  return graph.add(x, linear(graph, `${block}.attn.proj`, rows));
}

/** As `preNormAttention`, but -> the P tokens that heads read, rows [B P, D]: every key and value, and the queries of those alone. */
export function preNormLastAttention(
  graph: GraphBuilder,
  architecture: Architecture,
  index: number,
  x: Value,
  z: Value,
): Value {
  const { width } = architecture;
  const prefix = lastBlockTokens(architecture);
  const from = architecture.reads === 'distillation' ? 1 : 0;
  const { heads, keySize, valueSize } = layerShapes(architecture)[index]!;
  const tokens = tokensPerImage(architecture);
  const block = `blocks.${index}`;
  graph.within(`${block}.attn`);
  const first = (rows: Value): Value =>
    graph.reshape(graph.slice(graph.reshape(rows, [-1, tokens, width]), 3, 1, from, from + prefix), [
      -1,
      width,
    ]);
  const [queries, keys] = [heads * keySize, 2 * heads * keySize];
  const all = keys + heads * valueSize;
  const part = qkvParts(graph, block);
  // One query needs no transposition: its heads lie side by side already.
  const perHead = (rows: Value): Value =>
    prefix === 1
      ? graph.reshape(rows, [-1, heads, 1, keySize])
      : graph.transpose(graph.reshape(rows, [-1, prefix, heads, keySize]), [0, 2, 1, 3]);
  const q = perHead(part(first(z), 0, queries));
  const parts =
    keySize === valueSize
      ? splitHeads(graph, part(z, queries, all), tokens, heads, keySize, 2)
      : [
          ...splitHeads(graph, part(z, queries, keys), tokens, heads, keySize, 1),
          ...splitHeads(graph, part(z, keys, all), tokens, heads, valueSize, 1),
        ];
  const [k, v] = parts as [Value, Value];
  // Tokens before the patches are not turned.
  const bias = relativeBias(graph, architecture, index, 'class token');
  const attended = mix(graph, q, turned(graph, architecture, k), v, keySize, bias);
  const rows = prefix === 1 ? attended : graph.transpose(attended, [0, 2, 1, 3]);
  const mixed = graph.reshape(rows, [-1, heads * valueSize]);
  return graph.add(first(x), linear(graph, `${block}.attn.proj`, mixed));
}

/** Queries or keys [B, h, T, d] as `pipeline/model/backbones/rotary.ts` turns them; as they are where there are no rotary positions. */
function turned(graph: GraphBuilder, { rotary, width, heads }: Architecture, x: Value): Value {
  if (rotary !== true) return x;
  const size = width / heads;
  const half = (from: number): Value => graph.slice(x, 4, 3, from, from + size / 2);
  const other = graph.concat([graph.scale(half(size / 2), -1), half(0)], 3);
  const [cosines, sines] = [graph.weight('rotary.cos'), graph.weight('rotary.sin')];
  return graph.add(graph.multiply(x, cosines), graph.multiply(other, sines));
}

/** What gives the outputs [from, to) of a block's attn.qkv: rows [N, D] -> [N, to - from]. */
function qkvParts(graph: GraphBuilder, block: string): (rows: Value, from: number, to: number) => Value {
  const weight = graph.weight(`${block}.attn.qkv.weight`);
  const bias = graph.weight(`${block}.attn.qkv.bias`);
  return (rows, from, to) =>
    graph.linear(rows, graph.slice(weight, 2, 0, from, to), graph.slice(bias, 1, 0, from, to));
}

/** rows [B T, n h d] -> n times [B, h, T, d] */
export function splitHeads(
  graph: GraphBuilder,
  rows: Value,
  tokens: number,
  heads: number,
  size: number,
  count: number,
): Value[] {
  const perHead = graph.transpose(graph.reshape(rows, [-1, tokens, count * heads, size]), [0, 2, 1, 3]);
  if (count === 1) return [perHead];
  return Array.from({ length: count }, (_, i) => graph.slice(perHead, 4, 1, i * heads, (i + 1) * heads));
}

/**
 * `softmax(q k' / sqrt(size) + bias) v`, or without a bias. q: [B, h, Tq, k]; k: [B, h, T, k]; v: [B, h, T, v]; bias: [1, h, Tq, T]
 * -> [B, h, Tq, v].
 */
export function mix(graph: GraphBuilder, q: Value, k: Value, v: Value, size: number, bias?: Value): Value {
  const scores = graph.matmul(graph.scale(q, 1 / Math.sqrt(size)), k, true);
  return graph.matmul(graph.softmax(bias === undefined ? scores : graph.add(scores, bias)), v);
}
