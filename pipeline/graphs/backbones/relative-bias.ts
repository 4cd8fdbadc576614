import type { Architecture } from '../../model/architecture.ts';
import { relativePlaces, relativeTable } from '../../model/family/relative-positions.ts';
import type { GraphBuilder, Value } from '../builder.ts';

/**
 * What a block adds to the scores of all T tokens [1, h, T, T], or of the class token alone [1, h, 1, T], as
 * `pipeline/model/backbones/relative.ts` computes it; undefined where its model has no biases of relative positions.
 */
export function relativeBias(
  graph: GraphBuilder,
  architecture: Architecture,
  block: number,
  of: 'all' | 'class token',
): Value | undefined {
  const { relativePositionBias, heads } = architecture;
  if (relativePositionBias !== true) return undefined;
  const { rows, columns, ofPatches, down, right, fromClassToken, toClassToken } =
    relativePlaces(architecture);
  const tokens = fromClassToken.length;
  const table = graph.weight(relativeTable(block));
  const ofTokens = (index: Int32Array, ...shape: number[]): Value =>
    graph.reshape(graph.transpose(graph.take(table, index), [1, 0]), [1, heads, ...shape]);
  const first = ofTokens(fromClassToken, 1, tokens);
  if (of === 'class token') return first;
  const byRow = graph.reshape(graph.slice(table, 2, 0, 0, ofPatches), [-1, (2 * columns - 1) * heads]);
  const rowPairs = graph.reshape(graph.take(byRow, down), [-1, 2 * columns - 1, heads]);
  const byColumn = graph.reshape(graph.transpose(rowPairs, [1, 0, 2]), [-1, rows ** 2 * heads]);
  const pairs = graph.reshape(graph.take(byColumn, right), [-1, columns, rows, rows * heads]);
  const own = graph.reshape(graph.transpose(pairs, [2, 0, 3, 1]), [-1, rows, heads, columns]);
  const patches = graph.reshape(graph.transpose(own, [2, 0, 1, 3]), [-1, heads, tokens - 1, tokens - 1]);
  const before = ofTokens(toClassToken, tokens - 1, 1);
  return graph.concat([first, graph.concat([before, patches], 3)], 2);
}
