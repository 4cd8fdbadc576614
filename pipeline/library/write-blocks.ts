import { join } from 'node:path';
import { descendantOnnx } from '../graphs/files.ts';
import { storedWeights } from '../graphs/weight-places.ts';
import type { MeasuredDescendant } from '../measure/descendant.ts';
import type { Ranked } from '../measure/rank.ts';
import { blockName, blockWidth, ffnExtents, hiddenUnits, widthName } from '../model/architecture.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { writeSafetensors, type NamedArrays } from '../model/safetensors.ts';
import { fail } from '../util/failure.ts';
import { describeFile, publishFile } from './listed-file.ts';
import type { Manifest, ManifestBlock, ManifestDescendant, ManifestFile } from './manifest.ts';
import { ffnBytes, headerAllowanceBytes } from './manifest-parts.ts';
import { selfTestRows } from './self-test-rows.ts';
import { checkExported } from './self-test.ts';
import { readDescendantFile, toTorchFfn } from './weights.ts';

/** A descendant as the pipeline hands it over; its files and its place in the ranking are added here. */
export interface DescendantInput {
  readonly record: MeasuredDescendant;
  /** The teacher's hidden units behind fc1's columns, in their order. */
  readonly keptUnits: ArrayLike<number>;
  /** Called once, so that one descendant at a time is in memory. */
  readonly weights: () => Promise<FfnWeights>;
}

export interface LibraryBlocks {
  readonly teacher: Manifest['teacher'];
  /** By block, each with the teacher's own block first, then widest first. */
  readonly blocks: readonly { readonly descendants: readonly DescendantInput[] }[];
  /** The order that `rankDescendants` found. */
  readonly ranked: readonly Ranked[];
  readonly toolVersion: string;
}

export interface WriteOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onDescendant?: ((done: number, total: number) => void) | undefined;
}

/**
 * Writes the files of every descendant, and what they must give for `vectors` [n, D], the self-test's input (`selfTestRows`).
 * @param withGraphs one beside every weight file
 * @returns the manifest's blocks, and the expected outputs [n, D] by id
 * @throws BlockForgeError `gate-failed`, naming the descendant
 */
export async function writeBlocks(
  folder: string,
  input: LibraryBlocks,
  vectors: Float32Array,
  withGraphs: boolean,
  { signal, onDescendant }: WriteOptions,
): Promise<{ readonly blocks: ManifestBlock[]; readonly outputs: NamedArrays }> {
  const { architecture } = input.teacher;
  const places = new Map(input.ranked.map((entry) => [entry.id, entry]));
  const total = input.blocks.reduce((sum, { descendants }) => sum + descendants.length, 0);
  const outputs: NamedArrays = {};
  const blocks: ManifestBlock[] = [];
  let done = 0;
  for (const [index, { descendants }] of input.blocks.entries()) {
    const name = blockName(index);
    const written: ManifestDescendant[] = [];
    for (const descendant of descendants) {
      signal?.throwIfAborted();
      const { id, width } = descendant.record;
      const files = await writeDescendant(folder, index, descendant, input, vectors, withGraphs);
      const stream = blockWidth(architecture, index);
      outputs[id] = { shape: [files.outputs.length / stream, stream], data: files.outputs };
      const { rank = 0, dominated = false } = places.get(id) ?? {};
      written.push({
        ...descendant.record,
        rank,
        dominated,
        keptUnitsKey: widthName(width),
        ...files.listed,
      });
      onDescendant?.(++done, total);
    }
    const keptUnits = await publishFile(
      folder,
      `blocks/${name}/kept-units.json`,
      keptUnitsJson(written, descendants),
    );
    blocks.push({ index, name, hidden: hiddenUnits(architecture)[index]!, keptUnits, descendants: written });
  }
  return { blocks, outputs };
}

/** Reads back what it wrote: a file holds the pipeline's bits and gives the reference outputs, or this throws. */
async function writeDescendant(
  folder: string,
  block: number,
  descendant: DescendantInput,
  { teacher, toolVersion }: LibraryBlocks,
  vectors: Float32Array,
  withGraphs: boolean,
): Promise<{
  readonly listed: Pick<ManifestDescendant, 'file' | 'onnx'>;
  readonly outputs: Float32Array;
}> {
  const { id, width: hidden } = descendant.record;
  const { architecture } = teacher;
  const path = `blocks/${id}.safetensors`;
  const weights = await descendant.weights();
  const file = await writeWeights(folder, path, block, weights, descendant, teacher);
  const extents = ffnExtents(architecture, block, hidden);
  const fromFile = await readDescendantFile(join(folder, path), block, extents);
  const rows = selfTestRows(vectors, architecture.width, extents.width);
  const outputs = checkExported(id, weights, fromFile, rows, architecture.gelu);
  if (!withGraphs) return { listed: { file }, outputs };
  const stored = await storedWeights(join(folder, path), `${widthName(hidden)}.safetensors`);
  const onnx = await publishFile(
    folder,
    `blocks/${id}.onnx`,
    descendantOnnx(architecture, block, stored, toolVersion),
  );
  return { listed: { file, onnx }, outputs };
}

/** @throws BlockForgeError `gate-failed` for a file that is not of the size of its kept units */
async function writeWeights(
  folder: string,
  path: string,
  block: number,
  weights: FfnWeights,
  { record: { id, width, sparsity, source }, keptUnits }: DescendantInput,
  teacher: Manifest['teacher'],
): Promise<ManifestFile> {
  const extents = ffnExtents(teacher.architecture, block, width);
  const expected = ffnBytes(extents);
  if (weights.hidden !== width || weights.width !== extents.width || keptUnits.length !== width) {
    throw new Error(
      `${id}: ${weights.hidden} hidden units of width ${weights.width}, ${keptUnits.length} kept-unit indices`,
    );
  }
  await writeSafetensors(join(folder, path), toTorchFfn(weights, block), {
    id,
    source,
    sparsity: String(sparsity),
    hidden: String(width),
    teacherHidden: String(hiddenUnits(teacher.architecture)[block]),
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
    ({ keptUnitsKey }, i) => `  "${keptUnitsKey}": ${JSON.stringify(Array.from(inputs[i]!.keptUnits))}`,
  );
  return `{\n${members.join(',\n')}\n}\n`;
}
