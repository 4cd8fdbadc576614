import * as tf from '@tensorflow/tfjs-core';
import { withSafetensors } from '../model/safetensors.ts';
import { forward } from '../model/encoder.ts';
import { fail } from '../util/failure.ts';
import { random } from '../util/random.ts';
import type { ManifestFile } from './manifest.ts';
import type { Library } from './open.ts';
import { uploadLibrary } from './upload.ts';
import { largestDifference } from './reference-ffn.ts';
import { selfTestRows } from './self-test-rows.ts';
import { toTorchFfn } from './weights.ts';
import { loadOnnxRuntime, runOnnx, type Floats, type OnnxRuntime } from '../graphs/onnx-runtime.ts';
import { blockWidth, extentOf, pixelsPerImage } from '../model/architecture.ts';

/** |found - expected| <= tolerance * max(1, largest |expected|): two runtimes that add up in their own orders. */
export const onnxTolerance = 1e-4;

export interface OnnxCheck {
  /** The largest difference of all graphs, as a share of the largest output; null where ONNX Runtime is missing. */
  readonly largestDifference: number | null;
  /** One sentence. */
  readonly note: string;
}

/**
 * The gate of a library's graphs, in another runtime: each descendant's against the self-test vectors, and the frame's,
 * given a different width for every block, against the pipeline on the engine that is loaded.
 * @throws BlockForgeError `gate-failed`
 */
export async function checkOnnx(library: Library, signal?: AbortSignal): Promise<OnnxCheck> {
  const { manifest } = library;
  if (manifest.onnx === undefined) return { largestDifference: null, note: 'the library has no ONNX graphs' };
  const runtime = await loadOnnxRuntime();
  if (typeof runtime === 'string') {
    return { largestDifference: null, note: `the ONNX graphs were not checked here: ${runtime}` };
  }
  let worst = 0;
  const compare = (subject: string, found: Float32Array, expected: Float32Array): void => {
    const difference = largestDifference(found, expected);
    worst = Math.max(worst, difference);
    if (difference <= onnxTolerance) return;
    fail({
      reason: 'gate-failed',
      subject,
      found: `ONNX Runtime's outputs differ by ${difference.toExponential(1)} (share of the largest output)`,
      expected: `at most ${onnxTolerance}`,
      next: 'report this; `export.forms: []` writes the library without graphs',
    });
  };
  await withSafetensors(library.pathOf(manifest.selfTest.file), async (vectors) => {
    const input = await vectors.read(manifest.selfTest.input);
    const { architecture } = manifest.teacher;
    for (const { index, descendants } of manifest.blocks) {
      const width = blockWidth(architecture, index);
      const data = selfTestRows(input, architecture.width, width);
      const tokens = { shape: [data.length / width, width], data };
      for (const { id, onnx } of descendants) {
        signal?.throwIfAborted();
        if (onnx === undefined) throw new Error(`${id}: no graph`);
        const found = await runOnnx(runtime, library.pathOf(onnx), { tokens });
        compare(`graph of ${id}`, found, await vectors.read(id));
      }
    }
  });
  signal?.throwIfAborted();
  // A different width in every block, on one random image.
  const { blocks, teacher, seed } = manifest;
  const chosen = blocks.map(({ descendants }, index) => descendants[(index + 1) % descendants.length]!.id);
  const { imageSize, channels } = teacher.architecture;
  const { height, width } = extentOf(imageSize);
  const draw = random(seed, 'onnx-check');
  const images: Floats = {
    shape: [1, channels, height, width],
    data: Float32Array.from({ length: pixelsPerImage(imageSize, channels) }, () => draw.normal()),
  };
  const found = await framesLogits(library, runtime, manifest.onnx.frame, chosen, images);
  compare('graph of the frame', found, await pipelinesLogits(library, chosen, images));
  return { largestDifference: worst, note: 'the ONNX graphs agree with the pipeline' };
}

async function framesLogits(
  library: Library,
  runtime: OnnxRuntime,
  frame: ManifestFile,
  chosen: readonly string[],
  images: Floats,
): Promise<Float32Array> {
  const inputs: Record<string, Floats> = { images };
  for (const [block, id] of chosen.entries()) {
    Object.assign(inputs, toTorchFfn(await library.readFfn(id), block));
  }
  return runOnnx(runtime, library.pathOf(frame), inputs);
}

async function pipelinesLogits(
  library: Library,
  chosen: readonly string[],
  { shape, data }: Floats,
): Promise<Float32Array> {
  const model = await uploadLibrary(library, chosen);
  try {
    const logits = tf.tidy(() => {
      const pixels = tf.transpose(tf.tensor(data, [...shape]), [0, 2, 3, 1]);
      return forward(model.teacher, pixels, { ffn: (index) => model.ffn(chosen[index]!) }).logits;
    });
    const values = (await logits.data<'float32'>()).slice();
    logits.dispose();
    return values;
  } finally {
    model.dispose();
  }
}
