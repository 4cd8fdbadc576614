import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { canonicalShapes } from '../model/host-weights.ts';
import { showValue } from '../util/foreign-value.ts';
import { graphPaths } from '../compose/model-manifest.ts';
import type { Model } from '../compose/open-model.ts';
import type { StoredWeight } from '../graphs/weight-places.ts';
import { readBoundedJson } from '../library/document.ts';
import type { ManifestFile } from '../library/manifest.ts';
import { tally, type Check, type Finding, type Wrong } from './finding.ts';
import type { ModelWeights } from './model-weights.ts';
import { known } from '../util/known.ts';

type Places = ReadonlyMap<string, StoredWeight>;

/**
 * The files of a model that say where its weights lie: the index, the ONNX graph and the TensorFlow.js model. They name
 * every weight of the architecture at its place in the files of the manifest, and no other bytes.
 */
export async function verifyGraphs(
  model: Model,
  { places }: ModelWeights,
  damaged: ReadonlySet<string>,
  findings: Finding[],
): Promise<Check[]> {
  const index = tally('index', findings, damaged);
  const graphs = tally('graphs', findings, damaged);
  const looks: [typeof index, string, (model: Model, places: Places) => Promise<Wrong | undefined>][] = [
    [index, graphPaths.index, indexProblem],
    [graphs, graphPaths.onnx, onnxProblem],
    [graphs, graphPaths.tfjs, tfjsProblem],
  ];
  for (const [check, file, problem] of looks) {
    if (places === undefined) check.skip();
    else await check.look(file, () => problem(model, places));
  }
  return [index.result(), graphs.result()];
}

const indexSchema = z.object({
  metadata: z.object({ total_size: z.number() }),
  weight_map: z.record(z.string(), z.string()),
});

async function indexProblem(model: Model, places: Places): Promise<Wrong | undefined> {
  const read = await readGraphJson(model, graphPaths.index, indexSchema);
  if ('wrong' in read) return read.wrong;
  const { metadata, weight_map: map } = read.value;
  for (const [name, { location }] of places) {
    const found = Object.hasOwn(map, name) ? map[name] : undefined;
    if (found !== location)
      return { found: `${showValue(name)} in ${showValue(found)}`, expected: showValue(location) };
  }
  const foreign = Object.keys(map).find((name) => !places.has(name));
  if (foreign !== undefined) return { found: `a weight ${showValue(foreign)}`, expected: noOther };
  const bytes = [...places.values()].reduce((sum, { length }) => sum + length, 0);
  if (metadata.total_size === bytes) return undefined;
  return { found: `total_size ${metadata.total_size}`, expected: `${bytes}` };
}

function fileOf({ manifest }: Model, path: string): ManifestFile {
  return known(new Map(manifest.files.map((file) => [file.path, file])), path);
}

async function onnxProblem(model: Model, places: Places): Promise<Wrong | undefined> {
  const file = fileOf(model, graphPaths.onnx);
  if (file.sizeBytes > maxGraphBytes) return tooLarge(file.sizeBytes);
  const { readOnnx } = await import('../graphs/onnx-reader.ts');
  const graph = readOnnx(await readFile(model.pathOf(file)));
  if (typeof graph === 'string') return { found: `not an ONNX model: ${graph}`, expected: 'an ONNX model' };
  const { opset, irVersion } = model.manifest.onnx;
  if (graph.opset !== opset || graph.irVersion !== irVersion) {
    return {
      found: `operator set ${graph.opset}, format ${graph.irVersion}`,
      expected: `operator set ${opset}, format ${irVersion}, as the manifest says`,
    };
  }
  const seen = new Set<string>();
  for (const { name, shape, isFloat, data } of graph.external) {
    const place = places.get(name);
    const found = `${showValue(name)}: ${showValue(data.location)}, bytes ${data.offset}, ${data.length} of them`;
    if (place === undefined) return { found, expected: noOther };
    const { location, offset, length } = place;
    const isThere =
      data.location === location && data.offset === String(offset) && data.length === String(length);
    if (!isThere) return { found, expected: `${location}, bytes ${offset}, ${length} of them` };
    if (!isFloat || shape.join() !== place.shape.join())
      return { found: `${showValue(name)}: ${showValue(shape)}`, expected: showValue(place.shape) };
    seen.add(name);
  }
  return missingProblem(model, seen);
}

const tfjsSchema = z.object({
  format: z.literal('graph-model'),
  // Strict: another member (quantization, shards) is another reading of the same bytes.
  weightsManifest: z.array(
    z.strictObject({
      paths: z.array(z.string()).length(1),
      weights: z.array(
        z.strictObject({
          name: z.string(),
          shape: z.array(z.int().min(0)),
          dtype: z.enum(['float32', 'int32', 'bool']),
        }),
      ),
    }),
  ),
});

/** TensorFlow.js reads the tensors of a file one after the other: all offsets follow from their order. */
async function tfjsProblem(model: Model, places: Places): Promise<Wrong | undefined> {
  const read = await readGraphJson(model, graphPaths.tfjs, tfjsSchema);
  if ('wrong' in read) return read.wrong;
  const sizes = new Map(model.manifest.files.map(({ path, sizeBytes }) => [path, sizeBytes]));
  const seen = new Set<string>();
  for (const { paths, weights } of read.value.weightsManifest) {
    const path = paths[0]!;
    const size = sizes.get(path);
    if (size === undefined)
      return { found: `weights in ${showValue(path)}`, expected: 'files of the manifest' };
    let position = 0;
    for (const { name, shape, dtype } of weights) {
      const place = places.get(name);
      if (place !== undefined) {
        const { location, offset } = place;
        if (
          location !== path ||
          offset !== position ||
          dtype !== 'float32' ||
          shape.join() !== place.shape.join()
        )
          return {
            found: `${showValue(name)}: ${dtype} ${showValue(shape)} at byte ${position} of ${showValue(path)}`,
            expected: `float32 ${showValue(place.shape)} at byte ${offset} of ${location}`,
          };
        seen.add(name);
      }
      position += (dtype === 'bool' ? 1 : 4) * shape.reduce((product, extent) => product * extent, 1);
    }
    if (position !== size)
      return { found: `${position} bytes of ${showValue(path)}`, expected: `all ${size}` };
  }
  return missingProblem(model, seen);
}

const noOther = 'the weights of this model and no others';
/** A graph without weights is far below. */
const maxGraphBytes = 64 * 2 ** 20;

function tooLarge(bytes: number): Wrong {
  return { found: `${bytes} bytes`, expected: `at most ${maxGraphBytes}` };
}

function missingProblem({ manifest }: Model, seen: ReadonlySet<string>): Wrong | undefined {
  const missing = Object.keys(canonicalShapes(manifest.architecture)).find((name) => !seen.has(name));
  if (missing === undefined) return undefined;
  return { found: `it does not take ${missing} from its file`, expected: 'every weight of the model' };
}

async function readGraphJson<T>(
  model: Model,
  path: string,
  schema: z.ZodType<T>,
): Promise<{ readonly value: T } | { readonly wrong: Wrong }> {
  const file = fileOf(model, path);
  const read = await readBoundedJson(model.pathOf(file));
  if ('problem' in read) return { wrong: { found: read.problem, expected: 'JSON' } };
  const parsed = schema.safeParse(read.value);
  if (parsed.success) return { value: parsed.data };
  const { path: place, message } = parsed.error.issues[0]!;
  return { wrong: { found: `${place.map(String).join('.').slice(0, 200)}: ${message.slice(0, 300)}` } };
}
