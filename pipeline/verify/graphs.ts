import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { canonicalShapes } from '../model/host-weights.ts';
import { isRecord, showValue } from '../util/foreign-value.ts';
import { canonicalJson, type Json } from '../util/hash.ts';
import { modelOnnx, modelTfjs } from '../graphs/files.ts';
import { graphPaths } from '../compose/model-manifest.ts';
import type { Model } from '../compose/open-model.ts';
import type { StoredWeight } from '../graphs/weight-places.ts';
import { readBoundedJson } from '../library/document.ts';
import type { ManifestFile } from '../library/manifest.ts';
import { tally, type Check, type Finding, type Wrong } from './finding.ts';
import { onnxProblem } from './onnx-problem.ts';
import type { ModelWeights } from './model-weights.ts';
import { known } from '../util/known.ts';

type Places = ReadonlyMap<string, StoredWeight>;

/**
 * The index of a model, its ONNX graph and its TensorFlow.js model: they name every weight of the architecture at its place in
 * the files of the manifest and no other bytes, and compute what a model of this architecture computes. Nothing is run.
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
    [graphs, graphPaths.onnx, modelOnnxProblem],
    [graphs, graphPaths.tfjs, tfjsProblem],
    [graphs, graphPaths.tfjsConstants, constantsProblem],
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

function modelOnnxProblem(model: Model, places: Places): Promise<Wrong | undefined> {
  const { architecture, tool, onnx } = model.manifest;
  const file = fileOf(model, graphPaths.onnx);
  const graph = () => modelOnnx(architecture, places, tool.version);
  return onnxProblem(model.pathOf(file), file, { graph, ...onnx });
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
  return missingProblem(model, seen) ?? topologyProblem(model, places, read.raw);
}

/** The rest of `model.json`: the operations, and what goes in and out. */
function topologyProblem(model: Model, places: Places, raw: unknown): Wrong | undefined {
  const { architecture, tool } = model.manifest;
  const expected = modelTfjs(architecture, places, graphPaths.tfjsConstants, tool.version);
  const found = raw as Readonly<Record<string, Json>>;
  const foreign = Object.keys(found).find((key) => !Object.hasOwn(expected.model, key));
  if (foreign !== undefined) return { found: `a member ${showValue(foreign)}`, expected: 'none' };
  const nodesOf = (value: Json | undefined): readonly Json[] => {
    const nodes = isRecord(value) ? value.node : undefined;
    return Array.isArray(nodes) ? (nodes as readonly Json[]) : [];
  };
  // As JSON has it: what is undefined is not there.
  const own = JSON.parse(JSON.stringify(expected.model)) as Readonly<Record<string, Json>>;
  const [theirs, ours] = [nodesOf(found.modelTopology), nodesOf(own.modelTopology)];
  const describe = (node: Json | undefined): string =>
    isRecord(node)
      ? `${showValue(node.op)} ${showValue(node.name)} of ${showValue(node.input)}`
      : showValue(node);
  for (let place = 0; place < Math.max(theirs.length, ours.length); place++) {
    const [is, should] = [theirs[place], ours[place]];
    if (is !== undefined && should !== undefined && canonicalJson(is) === canonicalJson(should)) continue;
    const [text, expectedText] = [describe(is), describe(should)];
    return text === expectedText
      ? { found: `operation ${place}: ${text} with other attributes`, expected: 'those of this model' }
      : { found: `operation ${place}: ${text}`, expected: expectedText };
  }
  for (const key of ['modelTopology', 'signature', 'weightsManifest'] as const) {
    if (canonicalJson(found[key] ?? null) !== canonicalJson(own[key] ?? null))
      return { found: `another ${key} than this model has`, expected: 'its own' };
  }
  return undefined;
}

/** TensorFlow.js has no numbers in the graph itself: shapes, axes and factors are in a file of their own. */
async function constantsProblem(model: Model, places: Places): Promise<Wrong | undefined> {
  const { architecture, tool } = model.manifest;
  const file = fileOf(model, graphPaths.tfjsConstants);
  const { constants } = modelTfjs(architecture, places, graphPaths.tfjsConstants, tool.version);
  const bytes = file.sizeBytes === constants.length ? await readFile(model.pathOf(file)) : undefined;
  if (bytes?.equals(constants) === true) return undefined;
  return { found: 'other numbers', expected: 'the constants of this model' };
}

const noOther = 'the weights of this model and no others';
function missingProblem({ manifest }: Model, seen: ReadonlySet<string>): Wrong | undefined {
  const missing = Object.keys(canonicalShapes(manifest.architecture)).find((name) => !seen.has(name));
  if (missing === undefined) return undefined;
  return { found: `it does not take ${missing} from its file`, expected: 'every weight of the model' };
}

async function readGraphJson<T>(
  model: Model,
  path: string,
  schema: z.ZodType<T>,
): Promise<{ readonly value: T; readonly raw: unknown } | { readonly wrong: Wrong }> {
  const file = fileOf(model, path);
  const read = await readBoundedJson(model.pathOf(file));
  if ('problem' in read) return { wrong: { found: read.problem, expected: 'JSON' } };
  const parsed = schema.safeParse(read.value);
  if (parsed.success) return { value: parsed.data, raw: read.value };
  const { path: place, message } = parsed.error.issues[0]!;
  return { wrong: { found: `${place.map(String).join('.').slice(0, 200)}: ${message.slice(0, 300)}` } };
}
