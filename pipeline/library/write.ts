import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { frameOnnx } from '../graphs/files.ts';
import { onnxIrVersion, onnxOpset } from '../graphs/onnx.ts';
import { storedWeights } from '../graphs/weight-places.ts';
import type { IndexKind } from '../measure/index-file.ts';
import { neighbours, voteTemperature } from '../measure/vote-settings.ts';
import type { RankedResource } from '../measure/rank.ts';
import { writeSafetensors, type NamedArrays } from '../model/safetensors.ts';
import { writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import { describeFile, publishFile } from './listed-file.ts';
import {
  manifestJsonSchema,
  manifestSchema,
  schemaVersion,
  type Manifest,
  type ManifestBlock,
  type ManifestFile,
} from './manifest.ts';
import { rankingCsv, rankingJson } from './ranking-table.ts';
import { libraryReadme } from './readme.ts';
import { selfTestInput, selfTestTolerance, selfTestVectors } from './self-test.ts';
import { throughSchema } from './through-schema.ts';
import { withoutFolders } from './without-folders.ts';
import { writeBlocks, type LibraryBlocks, type WriteOptions } from './write-blocks.ts';

export interface LibraryInput
  extends
    LibraryBlocks,
    Pick<
      Manifest,
      | 'seed'
      | 'engine'
      | 'config'
      | 'confidence'
      | 'data'
      | 'fitted'
      | 'latencyProfile'
      | 'contexts'
      | 'uniform'
      | 'allocated'
      | 'additivity'
      | 'predictor'
    > {
  /** What the library is written as besides safetensors files. */
  readonly forms: readonly 'onnx'[];
  /** The text of `profile.mjs`, which measures the graphs on a device. Asked for only where there are graphs. */
  readonly profileScript: () => Promise<string>;
  /** The teacher without its FFN blocks, timm names and layouts (linear weights [out, in]). */
  readonly frame: () => Promise<NamedArrays>;
  readonly resource: RankedResource;
  /** Of models that answer with features: what gives these their classes. */
  readonly index?: { readonly kind: IndexKind; readonly path: string } | undefined;
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
  options: WriteOptions = {},
): Promise<Manifest> {
  const { width } = input.teacher.architecture;
  const withGraphs = input.forms.includes('onnx');
  const vectors = selfTestInput(width, input.seed);
  const { blocks, outputs } = await writeBlocks(folder, input, vectors, withGraphs, options);
  const frame = await writeFrame(folder, input);
  const manifest = throughSchema(manifestSchema, {
    $schema: 'manifest.schema.json',
    kind: 'blockforge-library',
    schemaVersion,
    tool: { name: 'blockforge', version: input.toolVersion },
    seed: input.seed,
    engine: input.engine,
    config: withoutFolders(input.config) as Manifest['config'],
    confidence: input.confidence,
    teacher: { ...input.teacher, ...(input.index && { measure: await writeIndex(folder, input.index) }) },
    frame,
    ...(withGraphs && { onnx: await writeGraphs(folder, input) }),
    data: input.data,
    ...(input.fitted && { fitted: input.fitted }),
    latencyProfile: input.latencyProfile,
    blocks,
    ...(input.contexts && { contexts: input.contexts }),
    uniform: input.uniform,
    ...(input.allocated && { allocated: input.allocated }),
    ...(input.additivity && { additivity: input.additivity }),
    ...(input.predictor && { predictor: input.predictor }),
    ranking: await writeRanking(folder, input, blocks),
    selfTest: await writeSelfTest(folder, {
      input: { shape: [selfTestVectors, width], data: vectors },
      ...outputs,
    }),
  });
  await writeJsonAtomic(join(folder, 'manifest.schema.json'), manifestJsonSchema());
  await writeFileAtomic(join(folder, 'README.md'), libraryReadme(manifest));
  await writeJsonAtomic(join(folder, 'manifest.json'), manifest);
  return manifest;
}

async function writeIndex(
  folder: string,
  { kind, path }: NonNullable<LibraryInput['index']>,
): Promise<NonNullable<Manifest['teacher']['measure']>> {
  const index = await publishFile(folder, 'index.safetensors', await readFile(path));
  return kind === 'zero-shot' ? { kind, index } : { kind, index, neighbours, temperature: voteTemperature };
}

const framePath = 'frame.safetensors';

async function writeFrame(folder: string, { frame, teacher }: LibraryInput): Promise<ManifestFile> {
  await writeSafetensors(join(folder, framePath), await frame(), {
    teacher: teacher.sha256,
    layout: 'timm names, linear weights [out, in]',
  });
  return describeFile(folder, framePath);
}

async function writeGraphs(
  folder: string,
  { teacher, toolVersion, profileScript }: LibraryInput,
): Promise<NonNullable<Manifest['onnx']>> {
  const stored = await storedWeights(join(folder, framePath), framePath);
  const graph = frameOnnx(teacher.architecture, stored, toolVersion);
  return {
    opset: onnxOpset,
    irVersion: onnxIrVersion,
    frame: await publishFile(folder, 'frame.onnx', graph),
    profileScript: await publishFile(folder, 'profile.mjs', await profileScript()),
  };
}

async function writeRanking(
  folder: string,
  { ranked, resource, index }: LibraryInput,
  blocks: readonly ManifestBlock[],
): Promise<Manifest['ranking']> {
  const json = `${JSON.stringify(rankingJson(blocks, ranked, resource, index?.kind), null, 2)}\n`;
  return {
    resource,
    entries: [...ranked],
    json: await publishFile(folder, 'ranking.json', json),
    csv: await publishFile(folder, 'ranking.csv', rankingCsv(blocks, ranked, index?.kind)),
  };
}

async function writeSelfTest(folder: string, tensors: NamedArrays): Promise<Manifest['selfTest']> {
  const path = 'self-test.safetensors';
  await writeSafetensors(join(folder, path), tensors, {
    input: 'what fc1 receives, after the second LayerNorm',
  });
  return {
    file: await describeFile(folder, path),
    input: 'input',
    vectors: selfTestVectors,
    tolerance: selfTestTolerance,
  };
}
