import { readFile } from 'node:fs/promises';
import { onnxDifference, readOnnx, type ExternalTensor } from '../graphs/onnx-reader.ts';
import type { ManifestFile } from '../library/manifest.ts';
import { BlockForgeError } from '../util/failure.ts';
import { showValue } from '../util/foreign-value.ts';
import type { Wrong } from './finding.ts';

export interface ExpectedOnnx {
  /** Builds the graph as this code base writes it, its weights where they were found to lie. */
  readonly graph: () => Uint8Array;
  /** What the manifest says of it. */
  readonly opset: number;
  readonly irVersion: number;
}

/**
 * Whether an ONNX file is the graph of this model and nothing else: the same operations on the same operands, the same
 * constants, every weight from its bytes in its file. Nothing is run. What the file may cost is bounded by what the right
 * one would be, before it is read.
 */
export async function onnxProblem(
  path: string,
  { sizeBytes }: ManifestFile,
  { graph, opset, irVersion }: ExpectedOnnx,
): Promise<Wrong | undefined> {
  const expected = built(graph);
  if (!(expected instanceof Uint8Array)) return expected;
  if (sizeBytes > 2 * expected.length + 2 ** 16)
    return { found: `${sizeBytes} bytes`, expected: `about ${expected.length}: a graph without its weights` };
  const bytes = await readFile(path);
  const [is, should] = [readOnnx(bytes), readOnnx(expected)];
  if (typeof is === 'string') return { found: `not an ONNX model: ${is}`, expected: 'an ONNX model' };
  if (typeof should === 'string') throw new Error(`what was built is no ONNX model: ${should}`);
  if (is.opset !== opset || is.irVersion !== irVersion) {
    return {
      found: `operator set ${is.opset}, format ${is.irVersion}`,
      expected: `operator set ${opset}, format ${irVersion}, as the manifest says`,
    };
  }
  return externalProblem(is.external, should.external) ?? onnxDifference(bytes, expected);
}

/** What hostile facts (heads that do not divide the width, an unknown family) have no graph for is said of the file. */
function built(graph: () => Uint8Array): Uint8Array | Wrong {
  try {
    return graph();
  } catch (error) {
    if (error instanceof BlockForgeError) return { found: error.failure.found };
    if (!(error instanceof RangeError)) throw error;
    return { found: 'the architecture in the manifest has no graph', expected: 'one that divides evenly' };
  }
}

function externalProblem(
  found: readonly ExternalTensor[],
  expected: readonly ExternalTensor[],
): Wrong | undefined {
  const places = new Map(expected.map((tensor) => [tensor.name, tensor]));
  const seen = new Set<string>();
  for (const { name, shape, isFloat, data } of found) {
    const place = places.get(name);
    const where = `${showValue(name)}: ${showValue(data.location)}, bytes ${data.offset}, ${data.length} of them`;
    if (place === undefined) return { found: where, expected: 'the weights of this model and no others' };
    const { location, offset, length } = place.data;
    if (data.location !== location || data.offset !== offset || data.length !== length)
      return { found: where, expected: `${location}, bytes ${offset}, ${length} of them` };
    if (!isFloat || shape.join() !== place.shape.join())
      return { found: `${showValue(name)}: ${showValue(shape)}`, expected: showValue(place.shape) };
    seen.add(name);
  }
  const missing = expected.find(({ name }) => !seen.has(name));
  if (missing === undefined) return undefined;
  return { found: `it does not take ${missing.name} from its file`, expected: 'every weight of the model' };
}
