import { stat } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { blockName, widthName } from '../model/architecture.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { writeSafetensors, type NamedArrays } from '../model/safetensors.ts';
import { writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { sha256File, type Json } from '../util/hash.ts';
import { onnxIrVersion, onnxOpset } from '../graphs/onnx.ts';
import { descendantOnnx, frameOnnx } from '../graphs/onnx-files.ts';
import { storedWeights } from '../graphs/weight-places.ts';
import {
  ffnBytes,
  headerAllowanceBytes,
  manifestJsonSchema,
  manifestSchema,
  schemaVersion,
  type Manifest,
  type ManifestBlock,
  type ManifestDescendant,
  type ManifestFile,
} from './manifest.ts';
import { profileScript } from '../profile/script.ts';
import type { Ranked, Resource } from '../measure/rank.ts';
import { rankingCsv, rankingJson } from './ranking-table.ts';
import { readDescendantFile } from './read-descendant.ts';
import { libraryReadme } from './readme.ts';
import { checkExported, selfTestInput, selfTestTolerance, selfTestVectors } from './self-test.ts';
import { toTorchFfn } from './weights.ts';

/** A descendant as the stages know it; id, file, rank and domination are added here. */
export interface DescendantInput extends Omit<
  ManifestDescendant,
  'id' | 'keptUnitsKey' | 'file' | 'onnx' | 'rank' | 'dominated'
> {
  /** The teacher's hidden units behind fc1's columns, in their order. */
  readonly keptUnits: ArrayLike<number>;
  /** Called once, so that one descendant at a time is in memory. */
  readonly weights: () => Promise<FfnWeights>;
}

export interface LibraryInput extends Pick<
  Manifest,
  | 'seed'
  | 'engine'
  | 'config'
  | 'confidence'
  | 'teacher'
  | 'data'
  | 'latencyProfile'
  | 'contexts'
  | 'uniform'
  | 'allocated'
  | 'additivity'
  | 'predictor'
> {
  readonly toolVersion: string;
  /** What the library is written as besides safetensors files. */
  readonly forms: readonly 'onnx'[];
  /** The teacher without its FFN blocks, timm names and layouts (linear weights [out, in]). */
  readonly frame: () => Promise<NamedArrays>;
  /** By block, each with the teacher's own block first, then widest first. */
  readonly blocks: readonly { readonly descendants: readonly DescendantInput[] }[];
  readonly resource: Resource;
  /** As `rankDescendants` returned it. */
  readonly ranked: readonly Ranked[];
}

/**
 * Writes a complete library into `folder`, which the caller publishes. Equal input gives equal bytes: there is no
 * time, path or machine in any file that the input does not hold.
 *
 * Gates, each naming the descendant: a file read back holds the pipeline's bits and gives the reference outputs
 * (`checkExported`); its size is that of its kept units; the manifest passes its own schema.
 *
 * @throws BlockForgeError `gate-failed`, `out-of-space`
 */
export async function writeLibrary(
  folder: string,
  input: LibraryInput,
  options: { signal?: AbortSignal; onDescendant?: (done: number, total: number) => void } = {},
): Promise<Manifest> {
  const { architecture } = input.teacher;
  const vectors = selfTestInput(architecture.width, input.seed);
  const vectorShape = [selfTestVectors, architecture.width];
  const selfTest: NamedArrays = { input: { shape: vectorShape, data: vectors } };
  const places = new Map(input.ranked.map((entry) => [entry.id, entry]));
  const withOnnx = input.forms.includes('onnx');
  const total = input.blocks.reduce((sum, { descendants }) => sum + descendants.length, 0);
  let done = 0;

  const blocks: ManifestBlock[] = [];
  for (const [index, { descendants }] of input.blocks.entries()) {
    const name = blockName(index);
    const written: ManifestDescendant[] = [];
    for (const descendant of descendants) {
      options.signal?.throwIfAborted();
      const key = widthName(descendant.width);
      const id = `${name}/${key}`;
      const weights = await descendant.weights();
      const path = `blocks/${name}/${key}.safetensors`;
      const file = await writeDescendant(folder, path, id, index, weights, descendant, input);
      const fromFile = await readDescendantFile(join(folder, path), index);
      const onnx = withOnnx && {
        onnx: await publish(
          folder,
          `blocks/${name}/${key}.onnx`,
          descendantOnnx(
            architecture,
            index,
            await storedWeights(join(folder, path), `${key}.safetensors`),
            input.toolVersion,
          ),
        ),
      };
      const outputs = checkExported(id, weights, fromFile, vectors, architecture.gelu);
      selfTest[id] = { shape: vectorShape, data: outputs };
      const place = places.get(id);
      const { params, macs, latencyMs, deltas, predictedError, heldOutError, gainOverRefit } = descendant;
      written.push({
        id,
        width: descendant.width,
        sparsity: descendant.sparsity,
        keptUnitsKey: key,
        file,
        ...onnx,
        params,
        macs,
        latencyMs,
        deltas,
        predictedError,
        heldOutError,
        gainOverRefit,
        source: descendant.source,
        rank: place?.rank ?? 0,
        dominated: place?.dominated ?? false,
      });
      options.onDescendant?.(++done, total);
    }
    const keptUnits = await publish(
      folder,
      `blocks/${name}/kept-units.json`,
      keptUnitsJson(written, descendants),
    );
    blocks.push({ index, name, hidden: architecture.hidden, keptUnits, descendants: written });
  }

  await writeSafetensors(join(folder, 'frame.safetensors'), await input.frame(), {
    teacher: input.teacher.sha256,
    layout: 'timm names, linear weights [out, in]',
  });
  const frameWeights = await storedWeights(join(folder, 'frame.safetensors'), 'frame.safetensors');
  const onnx = withOnnx && {
    onnx: {
      opset: onnxOpset,
      irVersion: onnxIrVersion,
      frame: await publish(folder, 'frame.onnx', frameOnnx(architecture, frameWeights, input.toolVersion)),
      profileScript: await publish(folder, 'profile.mjs', await profileScript()),
    },
  };
  await writeSafetensors(join(folder, 'self-test.safetensors'), selfTest, {
    input: 'what fc1 receives, after the second LayerNorm',
  });
  const { ranked, resource } = input;
  const json = await publishJson(folder, 'ranking.json', rankingJson(blocks, ranked, resource));
  const csv = await publish(folder, 'ranking.csv', rankingCsv(blocks, ranked));

  const manifest: Manifest = {
    $schema: 'manifest.schema.json',
    kind: 'blockforge-library',
    schemaVersion,
    tool: { name: 'blockforge', version: input.toolVersion },
    seed: input.seed,
    engine: input.engine,
    config: withoutFolders(input.config) as Manifest['config'],
    confidence: input.confidence,
    teacher: input.teacher,
    frame: await describeFile(folder, 'frame.safetensors'),
    ...onnx,
    data: input.data,
    latencyProfile: input.latencyProfile,
    blocks,
    ...(input.contexts && { contexts: input.contexts }),
    uniform: input.uniform,
    ...(input.allocated && { allocated: input.allocated }),
    ...(input.additivity && { additivity: input.additivity }),
    ...(input.predictor && { predictor: input.predictor }),
    ranking: { resource, entries: [...ranked], json, csv },
    selfTest: {
      file: await describeFile(folder, 'self-test.safetensors'),
      input: 'input',
      vectors: selfTestVectors,
      tolerance: selfTestTolerance,
    },
  };
  checkOwnSchema(manifest);
  await writeJsonAtomic(join(folder, 'manifest.schema.json'), manifestJsonSchema());
  await writeFileAtomic(join(folder, 'README.md'), libraryReadme(manifest));
  await writeJsonAtomic(join(folder, 'manifest.json'), manifest);
  return manifest;
}

async function writeDescendant(
  folder: string,
  path: string,
  id: string,
  block: number,
  weights: FfnWeights,
  { width, sparsity, source, keptUnits }: DescendantInput,
  { teacher }: LibraryInput,
): Promise<ManifestFile> {
  const expected = ffnBytes(teacher.architecture.width, width);
  if (
    weights.hidden !== width ||
    weights.width !== teacher.architecture.width ||
    keptUnits.length !== width
  ) {
    throw new Error(
      `${id}: ${weights.hidden} hidden units of width ${weights.width}, ${keptUnits.length} kept-unit indices`,
    );
  }
  await writeSafetensors(join(folder, path), toTorchFfn(weights, block), {
    id,
    source,
    sparsity: String(sparsity),
    hidden: String(width),
    teacherHidden: String(teacher.architecture.hidden),
    teacher: teacher.sha256,
    gelu: teacher.architecture.gelu,
    layout: 'timm names, linear weights [out, in]',
  });
  const file = await describeFile(folder, path);
  if (file.sizeBytes < expected || file.sizeBytes > expected + headerAllowanceBytes) {
    fail({
      reason: 'gate-failed',
      subject: `export of ${id}`,
      found: `${path} has ${file.sizeBytes} bytes`,
      expected: `${expected} bytes for ${width} hidden units, and at most ${headerAllowanceBytes} for the header`,
    });
  }
  return file;
}

function keptUnitsJson(written: readonly ManifestDescendant[], inputs: readonly DescendantInput[]): string {
  const members = written.map(
    ({ keptUnitsKey }, i) => `  "${keptUnitsKey}": ${JSON.stringify(Array.from(inputs[i].keptUnits))}`,
  );
  return `{\n${members.join(',\n')}\n}\n`;
}

async function publish(folder: string, path: string, content: string | Uint8Array): Promise<ManifestFile> {
  await writeFileAtomic(join(folder, path), content);
  return describeFile(folder, path);
}

async function publishJson(folder: string, path: string, value: unknown): Promise<ManifestFile> {
  await writeJsonAtomic(join(folder, path), value);
  return describeFile(folder, path);
}

async function describeFile(folder: string, path: string): Promise<ManifestFile> {
  const full = join(folder, path);
  return { path, sizeBytes: (await stat(full)).size, sha256: await sha256File(full) };
}

/** Absolute paths mean nothing on another machine and tell where this one keeps its files: the last part stays. */
function withoutFolders(value: Json): Json {
  if (typeof value === 'string') return isAbsolute(value) ? basename(value) : value;
  if (Array.isArray(value)) return value.map((item) => withoutFolders(item as Json));
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([key, member]) => [key, withoutFolders(member as Json)]));
}

/** What we publish must be readable by our own reader; a violation is a gate, because it can come from measured data. */
function checkOwnSchema(manifest: Manifest): void {
  const result = manifestSchema.safeParse(manifest);
  if (result.success) return;
  const [issue] = result.error.issues;
  fail({
    reason: 'gate-failed',
    subject: `manifest, ${issue.path.join('.')}`,
    found: issue.message,
    expected: 'a manifest that its own schema accepts',
  });
}
