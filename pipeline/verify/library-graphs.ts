import { basename } from 'node:path';
import { descendantOnnx, frameOnnx } from '../graphs/files.ts';
import { storedWeights } from '../graphs/weight-places.ts';
import type { Library } from '../library/open.ts';
import { onnxProblem } from './onnx-problem.ts';
import { tally, type Check, type Finding } from './finding.ts';

/**
 * The graphs of a library: that of the frame and those of the descendants are the ones of this architecture, and point
 * into the safetensors file beside them and nowhere else. Nothing is run.
 *
 * @param damaged paths of files that are known to be damaged: of the graphs that point into one nothing is said
 * @returns no check where the library has no graphs
 */
export async function verifyLibraryGraphs(
  library: Library,
  damaged: ReadonlySet<string>,
  findings: Finding[],
  signal?: AbortSignal,
): Promise<Check[]> {
  const { onnx, frame, blocks, teacher, tool } = library.manifest;
  if (onnx === undefined) return [];
  const check = tally('graphs', findings, damaged);
  const unsound = new Set([...damaged, ...findings.map(({ file }) => file)]);
  const pairs = [
    { file: onnx.frame, weights: frame, block: undefined },
    ...blocks.flatMap(({ index, descendants }) =>
      descendants.flatMap(({ file, onnx: graph }) =>
        graph === undefined ? [] : [{ file: graph, weights: file, block: index }],
      ),
    ),
  ];
  for (const { file, weights, block } of pairs) {
    signal?.throwIfAborted();
    if (unsound.has(weights.path)) {
      check.skip();
      continue;
    }
    await check.look(file.path, async () => {
      const places = await storedWeights(library.pathOf(weights), basename(weights.path));
      const graph = () =>
        block === undefined
          ? frameOnnx(teacher.architecture, places, tool.version)
          : descendantOnnx(teacher.architecture, block, places, tool.version);
      return onnxProblem(library.pathOf(file), file, { graph, opset: onnx.opset, irVersion: onnx.irVersion });
    });
  }
  return [check.result()];
}
