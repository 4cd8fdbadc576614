import { requireFinite } from '../model/untrusted-file.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import {
  openSafetensors,
  readSafetensorsHeader,
  withSafetensors,
  type SafetensorsFile,
} from '../model/safetensors.ts';
import { fail } from '../util/failure.ts';
import { showValue } from '../util/foreign-value.ts';
import { largestDifference, referenceFfn } from '../library/reference-ffn.ts';
import { selfTestRows } from '../library/self-test-rows.ts';
import type { ManifestDescendant } from '../library/manifest.ts';
import type { Library } from '../library/open.ts';
import { frameShapes } from '../library/weight-shapes.ts';
import { checkTensors } from '../library/weights.ts';
import { foundIn, tally, type Check, type Finding } from './finding.ts';

export interface WeightsProgress {
  readonly signal?: AbortSignal | undefined;
  readonly onDescendant?: (done: number, total: number) => void;
}

/**
 * The frame and every descendant: the tensors of the manifest's architecture, all finite, under the id they are
 * recorded for; and each descendant's outputs for the self-test's input, by the reference loops in float64. Holds one
 * descendant at a time.
 *
 * @param damaged paths of files that are known to be damaged: nothing more is said of them
 */
export async function verifyWeights(
  library: Library,
  damaged: ReadonlySet<string>,
  findings: Finding[],
  { signal, onDescendant }: WeightsProgress = {},
): Promise<Check[]> {
  const { frame: frameFile, selfTest, blocks } = library.manifest;
  const frame = tally('frame', findings, damaged);
  const weights = tally('weights', findings, damaged);
  const tested = tally('self-test', findings);
  await frame.read(frameFile.path, library.pathOf(frameFile), () => verifyFrame(library));

  const vectors = await openVectors(library, damaged).catch((error: unknown) => {
    tested.find(foundIn(selfTest.file.path, library.pathOf(selfTest.file), error));
    return undefined;
  });
  const descendants = blocks.flatMap((block) => block.descendants);
  try {
    for (const [index, descendant] of descendants.entries()) {
      signal?.throwIfAborted();
      const { path } = descendant.file;
      const full = library.pathOf(descendant.file);
      const ffn = await weights.read(path, full, () => readChecked(library, descendant));
      if (ffn === undefined || vectors === undefined) tested.skip();
      else await tested.read(path, full, () => runSelfTest(library, descendant, ffn, vectors));
      onDescendant?.(index + 1, descendants.length);
    }
  } finally {
    await vectors?.file.close();
  }
  return [frame.result(), weights.result(), tested.result()];
}

async function verifyFrame(library: Library): Promise<void> {
  const { frame: file, teacher } = library.manifest;
  const path = library.pathOf(file);
  await withSafetensors(path, async (frame) => {
    checkOwner(path, frame.metadata, { teacher: teacher.sha256 });
    await checkTensors(frame, frameShapes(teacher.architecture));
  });
}

/** Finite by `readFfn`. A file that was exchanged for another of the same shape still says whose it is. */
async function readChecked(library: Library, { id, file }: ManifestDescendant): Promise<FfnWeights> {
  const path = library.pathOf(file);
  const { metadata } = await readSafetensorsHeader(path);
  checkOwner(path, metadata, { id, teacher: library.manifest.teacher.sha256 });
  return library.readFfn(id);
}

/**
 * What a file says of itself. Files of other writers may say nothing.
 * @throws BlockForgeError `library-invalid`
 */
export function checkOwner(
  path: string,
  metadata: Readonly<Record<string, string>>,
  owner: Readonly<Record<string, string>>,
): void {
  for (const [key, expected] of Object.entries(owner)) {
    const found = metadata[key];
    if (found !== undefined && found !== expected)
      invalid(path, `its header says ${key} ${showValue(found)}`, showValue(expected));
  }
}

interface Vectors {
  readonly file: SafetensorsFile;
  /** [vectors, D] */
  readonly input: Float32Array;
}

/** @returns undefined where the file is known to be damaged */
async function openVectors(library: Library, damaged: ReadonlySet<string>): Promise<Vectors | undefined> {
  const { selfTest, teacher } = library.manifest;
  if (damaged.has(selfTest.file.path)) return undefined;
  const file = await openSafetensors(library.pathOf(selfTest.file));
  try {
    return { file, input: await readVectors(library, file, selfTest.input, teacher.architecture.width) };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readVectors(
  { manifest }: Library,
  file: SafetensorsFile,
  name: string,
  width: number,
): Promise<Float32Array> {
  const expected = [manifest.selfTest.vectors, width];
  const { shape } = file.info(name);
  if (shape.join() !== expected.join()) {
    invalid(`${file.path}, tensor ${name}`, `shape [${shape.join(', ')}]`, `[${expected.join(', ')}]`);
  }
  return requireFinite(await file.read(name), file.path, name);
}

async function runSelfTest(
  library: Library,
  { id }: ManifestDescendant,
  ffn: FfnWeights,
  { file, input }: Vectors,
): Promise<void> {
  const { selfTest, teacher } = library.manifest;
  const expected = await readVectors(library, file, id, ffn.width);
  const rows = selfTestRows(input, teacher.architecture.width, ffn.width);
  const worst = largestDifference(referenceFfn(ffn, rows, teacher.architecture.gelu), expected);
  if (worst <= selfTest.tolerance) return;
  invalid(
    'self-test',
    `its outputs differ from the recorded ones by ${worst.toExponential(1)} (share of the largest output)`,
    `at most ${selfTest.tolerance}`,
  );
}

function invalid(subject: string, found: string, expected: string): never {
  return fail({ reason: 'library-invalid', subject, found, expected });
}
