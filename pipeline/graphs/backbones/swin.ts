import { extentOf, layerShapes, outputName, type Architecture } from '../../model/architecture.ts';
import { blockWidth } from '../../model/family/layer-shapes.ts';
import { apartStrength, relativePositions, windowParts } from '../../model/family/swin-places.ts';
import { mergedWidth, swinWindow, type SwinWindow } from '../../model/family/swin.ts';
import type { GraphBuilder, Value } from '../builder.ts';
import { ffn, linear, norm } from '../layers.ts';
import type { ModelOutputs } from '../model-outputs.ts';

/**
 * The Swin Transformer, images -> logits [B, classes], as `pipeline/model/backbones/swin.ts` computes it. B batch, T tokens, D width of
 * the block, W windows of N tokens. The residual stream is kept as rows [B T, D].
 */
export function buildSwin(
  graph: GraphBuilder,
  architecture: Architecture,
  { features = false }: ModelOutputs = {},
): void {
  const { imageSize, channels, depth, width, classes } = architecture;
  graph.within('embed');
  let x = embed(graph, architecture, graph.images('images', extentOf(imageSize), channels));
  for (let block = 0; block < depth; block++) {
    const merged = mergedWidth(architecture, block);
    if (merged !== undefined) x = halve(graph, architecture, block, merged, x);
    x = attention(graph, architecture, block, x);
    const branch = ffn(graph, architecture, block, norm(graph, `blocks.${block}.norm2`, architecture, x));
    graph.within(`blocks.${block}`);
    x = graph.add(x, branch);
  }
  const normed = norm(graph, 'norm', architecture, x);
  graph.within('head');
  const tokens = swinWindow(architecture, depth - 1).side ** 2;
  const pooled = graph.mean(graph.reshape(normed, [-1, tokens, width]));
  if (architecture.answer === 'pooled') {
    graph.output(outputName(architecture), pooled, width);
    return;
  }
  const taken = features ? graph.output('features', pooled, width) : pooled;
  graph.output(outputName(architecture), linear(graph, 'head', taken), classes);
}

function embed(graph: GraphBuilder, architecture: Architecture, images: Value): Value {
  const kernel = graph.weight('patch_embed.proj.weight');
  const bias = graph.weight('patch_embed.proj.bias');
  const patches = graph.patches(images, kernel, bias, architecture.patchSize);
  const rows = graph.reshape(patches, [-1, blockWidth(architecture, 0)]);
  return norm(graph, 'patch_embed.norm', architecture, rows);
}

/** Rows [B 4T, merged / 4] -> rows [B T, D]: each square of two by two tokens becomes one. */
function halve(
  graph: GraphBuilder,
  architecture: Architecture,
  block: number,
  merged: number,
  x: Value,
): Value {
  const name = `blocks.${block}.downsample`;
  const { side } = swinWindow(architecture, block);
  graph.within(name);
  const rows = graph.transpose(graph.reshape(x, [-1, 2, side, merged / 2]), [0, 2, 1, 3]);
  const squares = graph.transpose(graph.reshape(rows, [-1, 2, 2, merged / 4]), [0, 2, 1, 3]);
  const normed = norm(graph, `${name}.norm`, architecture, graph.reshape(squares, [-1, merged]));
  graph.within(name);
  return graph.linear(normed, graph.weight(`${name}.reduction.weight`));
}

/** Rows [B T, D] -> the same with attention within windows added. */
function attention(graph: GraphBuilder, architecture: Architecture, block: number, x: Value): Value {
  const name = `blocks.${block}`;
  const place = swinWindow(architecture, block);
  const width = blockWidth(architecture, block);
  const { heads, keySize } = layerShapes(architecture)[block]!;
  const tokens = place.window ** 2;
  const z = norm(graph, `${name}.norm1`, architecture, x);
  graph.within(`${name}.attn`);
  const qkv = linear(graph, `${name}.attn.qkv`, toWindows(graph, z, place, width));
  const parts = graph.transpose(graph.reshape(qkv, [-1, tokens, 3 * heads, keySize]), [0, 2, 1, 3]);
  const third = (index: number) => graph.slice(parts, 4, 1, index * heads, (index + 1) * heads);
  const scores = graph.matmul(graph.scale(third(0), 1 / Math.sqrt(keySize)), third(1), true);
  const weights = graph.softmax(biased(graph, `${name}.attn`, scores, place, heads));
  const values = graph.transpose(graph.matmul(weights, third(2)), [0, 2, 1, 3]);
  const branch = linear(graph, `${name}.attn.proj`, graph.reshape(values, [-1, width]));
  return graph.add(x, fromWindows(graph, branch, place, width));
}

/** Scores [B W, h, N, N] -> the same with the bias of relative positions, and with parts of a moved image kept apart. */
function biased(graph: GraphBuilder, name: string, scores: Value, place: SwinWindow, heads: number): Value {
  const tokens = place.window ** 2;
  const table = graph.weight(`${name}.relative_position_bias_table`);
  const columns = graph.transpose(graph.take(table, relativePositions(place.window)), [1, 0]);
  const bias = graph.reshape(columns, [1, heads, tokens, tokens]);
  if (place.shift === 0) return graph.add(scores, bias);
  const parts = windowParts(place);
  const all = graph.add(graph.apart(parts, apartStrength), bias);
  const perImage = graph.reshape(scores, [-1, parts.length * heads, tokens, tokens]);
  const sum = graph.add(perImage, graph.reshape(all, [1, parts.length * heads, tokens, tokens]));
  return graph.reshape(sum, [-1, heads, tokens, tokens]);
}

/** Rows [B T, D] -> rows window by window. */
function toWindows(graph: GraphBuilder, x: Value, place: SwinWindow, width: number): Value {
  const { side, window, shift } = place;
  const moved = rolled(graph, graph.reshape(x, [-1, side, side, width]), side, shift);
  const rows = graph.reshape(moved, [-1, window, side / window, window * width]);
  return graph.reshape(graph.transpose(rows, [0, 2, 1, 3]), [-1, width]);
}

/** The way back. */
function fromWindows(graph: GraphBuilder, x: Value, place: SwinWindow, width: number): Value {
  const { side, window, shift } = place;
  const rows = graph.reshape(x, [-1, side / window, window, window * width]);
  const moved = graph.reshape(graph.transpose(rows, [0, 2, 1, 3]), [-1, side, side, width]);
  return graph.reshape(rolled(graph, moved, side, shift === 0 ? 0 : side - shift), [-1, width]);
}

/** x [B, side, side, D] moved up and left by `count`, around the edges. */
function rolled(graph: GraphBuilder, x: Value, side: number, count: number): Value {
  if (count === 0) return x;
  return [1, 2].reduce(
    (value, axis) =>
      graph.concat([graph.slice(value, 4, axis, count, side), graph.slice(value, 4, axis, 0, count)], axis),
    x,
  );
}
