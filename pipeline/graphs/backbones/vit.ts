import { extentOf, tokensPerImage, type Architecture } from '../../model/architecture.ts';
import type { GraphBuilder, Value } from '../builder.ts';
import { ffn, linear, norm } from '../layers.ts';

/**
 * The whole model, images -> logits [B, classes], as `pipeline/model/backbones/vit.ts` computes it: pre-norm encoder, the
 * last layer for the class token only, unless the head reads the patches. B batch, T tokens, D width. The residual stream is kept as rows [B T, D], so that
 * every linear layer is one plain matrix product; only attention looks at images.
 */
export function buildVit(graph: GraphBuilder, architecture: Architecture): void {
  const { imageSize, channels, depth, classes, pool } = architecture;
  graph.within('embed');
  let x = embed(graph, architecture, graph.images('images', extentOf(imageSize), channels));
  for (let index = 0; index < depth; index++) {
    const last = index === depth - 1 && pool === undefined;
    x = last ? lastAttention(graph, architecture, index, x) : attention(graph, architecture, index, x);
    const z = norm(graph, `blocks.${index}.norm2`, architecture, x);
    const branch = ffn(graph, architecture, index, z);
    graph.within(`blocks.${index}`);
    x = graph.add(x, branch);
  }
  const pooled = read(graph, architecture, x);
  graph.within('head');
  graph.output('logits', linear(graph, 'head', pooled), classes);
}

/** The class tokens [B, D] or, with `pool`, rows [B T, D] -> what the head takes [B, D]. */
function read(graph: GraphBuilder, architecture: Architecture, x: Value): Value {
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

/** rows [B T, D] -> `x + attention(LN1 x)`. */
function attention(graph: GraphBuilder, architecture: Architecture, index: number, x: Value): Value {
  const { width, heads } = architecture;
  const tokens = tokensPerImage(architecture);
  const block = `blocks.${index}`;
  const z = norm(graph, `${block}.norm1`, architecture, x);
  graph.within(`${block}.attn`);
  const size = width / heads;
  const qkv = graph.reshape(linear(graph, `${block}.attn.qkv`, z), [-1, tokens, 3 * heads, size]);
  const perHead = graph.transpose(qkv, [0, 2, 1, 3]);
  const ofAll = (i: number): Value => graph.slice(perHead, 4, 1, i * heads, (i + 1) * heads);
  const q = ofAll(0);
  const k = ofAll(1);
  const v = ofAll(2);
  const mixed = graph.reshape(graph.transpose(mix(graph, q, k, v, size), [0, 2, 1, 3]), [-1, width]);
  return graph.add(x, linear(graph, `${block}.attn.proj`, mixed));
}

/** rows [B T, D] -> the class tokens [B, D] after the last attention: every key and value, but one query an image. */
function lastAttention(graph: GraphBuilder, architecture: Architecture, index: number, x: Value): Value {
  const { width, heads } = architecture;
  const tokens = tokensPerImage(architecture);
  const block = `blocks.${index}`;
  const z = norm(graph, `${block}.norm1`, architecture, x);
  graph.within(`${block}.attn`);
  const first = (rows: Value): Value =>
    graph.reshape(graph.slice(graph.reshape(rows, [-1, tokens, width]), 3, 1, 0, 1), [-1, width]);
  const weight = graph.weight(`${block}.attn.qkv.weight`);
  const bias = graph.weight(`${block}.attn.qkv.bias`);
  const part = (rows: Value, from: number, to: number): Value =>
    graph.linear(rows, graph.slice(weight, 2, 0, from, to), graph.slice(bias, 1, 0, from, to));
  const size = width / heads;
  const q = graph.reshape(part(first(z), 0, width), [-1, heads, 1, size]);
  const others = graph.reshape(part(z, width, 3 * width), [-1, tokens, 2 * heads, size]);
  const perHead = graph.transpose(others, [0, 2, 1, 3]);
  const k = graph.slice(perHead, 4, 1, 0, heads);
  const v = graph.slice(perHead, 4, 1, heads, 2 * heads);
  const mixed = graph.reshape(mix(graph, q, k, v, size), [-1, width]);
  return graph.add(first(x), linear(graph, `${block}.attn.proj`, mixed));
}

/** `softmax(q k' / sqrt(size)) v`. q: [B, h, Tq, d]; k, v: [B, h, T, d] -> [B, h, Tq, d]. */
function mix(graph: GraphBuilder, q: Value, k: Value, v: Value, size: number): Value {
  const scores = graph.matmul(graph.scale(q, 1 / Math.sqrt(size)), k, true);
  return graph.matmul(graph.softmax(scores), v);
}
