import * as tf from '@tensorflow/tfjs-core';
import { blockTokens, blockWidth, extentOf, lastBlockTokens } from '../model/architecture.ts';
import { forward } from '../model/encoder.ts';
import { applyFfn, disposeFfn, uploadFfn, type FfnTensors } from '../model/ffn-tensors.ts';
import { uploadTeacher } from '../model/upload.ts';
import { randomFfn } from '../model/ffn-weights.ts';
import { loadEngine, type EngineChoice } from '../tensor/engine.ts';
import { random } from '../util/random.ts';
import type { Library } from '../library/open.ts';
import { describe, measureBatches, type BlockShape, type Options } from './measure-onnx.js';
import type { Profile } from './profile-file.ts';

export interface TfjsOptions extends Omit<Options, 'folder' | 'threads'> {
  readonly engine?: EngineChoice | undefined;
  /** How many threads TensorFlow computes in; default: one per processor. */
  readonly threads?: number | undefined;
}

/**
 * The measurements of `measure-onnx.js` with the pipeline's own engine and forward pass. Every block of every width has
 * random weights of its own, as in a real model, so memory holds what the library's weights take.
 * @throws BlockForgeError `engine-unavailable`, `library-invalid`
 */
export async function measureTfjs(
  library: Library,
  { batchSizes, name, engine: choice = 'auto', threads, ...rounds }: TfjsOptions,
): Promise<Profile> {
  const { architecture } = library.manifest.teacher;
  const { depth, channels, gelu, gated } = architecture;
  const image = extentOf(architecture.imageSize);
  const engine = await loadEngine(choice, { threads });
  const teacher = uploadTeacher(await library.readTeacher(), architecture);
  const blocks = new Map<string, FfnTensors>();
  const ffn = (block: number, hidden: number): FfnTensors => {
    const draw = random(1, 'profile', hidden);
    const key = `${block}/${hidden}`;
    const found =
      blocks.get(key) ??
      uploadFfn(randomFfn(blockWidth(architecture, block), hidden, () => (draw.next() - 0.5) / 25, gated));
    blocks.set(key, found);
    return found;
  };
  let inputs: tf.Tensor[] = [];
  try {
    const batches = await measureBatches(blockShapes(library), batchSizes, rounds, (batch) => {
      tf.dispose(inputs);
      const images = tf.randomNormal([batch, image.height, image.width, channels], 0, 1, 'float32', 1);
      const rows = (tokens: number, block: number) =>
        tf.randomNormal([batch * tokens, blockWidth(architecture, block)], 0, 1, 'float32', 1);
      const all = Array.from({ length: depth }, (_, block) => rows(blockTokens(architecture, block), block));
      const last = rows(lastBlockTokens(architecture), depth - 1);
      inputs = [images, ...all, last];
      // Reading the result is what waits for it. Weights are uploaded outside, as `tidy` would dispose them.
      const finish = (run: () => tf.Tensor) => tf.tidy(() => void run().dataSync());
      return {
        model(widths) {
          const chosen = widths.map((hidden, block) => ffn(block, hidden));
          finish(() => forward(teacher, images, { ffn: (block) => chosen[block]! }).logits);
        },
        block(index, hidden, isLast) {
          const chosen = ffn(index, hidden);
          finish(() => applyFfn(chosen, isLast ? last : all[index]!, gelu));
        },
      };
    });
    return describe('tfjs', engine.version, {
      threads: engine.threads,
      name,
      sha256: library.manifestSha256,
      batches,
      warmup: rounds.warmup,
      iterations: rounds.iterations,
    });
  } finally {
    tf.dispose(inputs);
    blocks.forEach(disposeFfn);
    teacher.dispose();
  }
}

function blockShapes({ manifest: { teacher, blocks } }: Library): BlockShape[] {
  const { architecture } = teacher;
  return blocks.map(({ index, descendants }) => ({
    widths: descendants.map(({ width }) => width),
    stream: blockWidth(architecture, index),
    tokens: blockTokens(architecture, index),
  }));
}
