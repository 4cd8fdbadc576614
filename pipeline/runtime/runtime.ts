import { checkComposition, type Library } from '../library/open.ts';
import { latencyModel, type LatencyModel } from '../profile/latency.ts';
import { findProfile } from '../profile/profile-file.ts';
import { readDescendantSync } from '../library/weights.ts';
import { composeSpace, type ComposeSpace, type Composition } from '../compose/space.ts';
import { fail } from '../util/failure.ts';
import type { ResidentBlock, RuntimeEngine, RuntimeEngineName } from './engine.ts';
import { preprocessImages, type EncodedImage } from './images.ts';
import { compositionWithin, type RuntimeLimits } from './limits.ts';
import { extentOf } from '../model/architecture.ts';

export interface RuntimeOptions {
  /** Default `onnxruntime`. */
  readonly engine?: RuntimeEngineName;
  /** How many threads ONNX Runtime may use for one operation; default: its own choice. */
  readonly threads?: number;
  /** A latency profile of this device, by its name in the library's `profiles/` or by path: for limits on latency. */
  readonly profile?: string;
  /** One descendant id per block to begin with; default: the teacher's own blocks. */
  readonly descendants?: readonly string[];
}

/** What an exchange of blocks did. */
export interface Switch {
  /** The descendants in use from now on, one per block. */
  readonly descendants: readonly string[];
  /** Those of them that were not in use before. */
  readonly loaded: readonly string[];
  readonly bytesLoaded: number;
  readonly bytesReleased: number;
  /** From the call to the first inference that can use the new blocks; no inference waits for it. */
  readonly milliseconds: number;
}

export interface Prediction {
  readonly classIndex: number;
  readonly className: string | null;
  readonly probability: number;
  /** [classes] */
  readonly logits: Float32Array;
}

/** A block in memory, counted: by the composition it is part of, and by every inference that uses it. */
interface Held {
  readonly id: string;
  readonly sizeBytes: number;
  readonly resident: ResidentBlock;
  users: number;
}

/**
 * A running model whose blocks can be exchanged for narrower or wider descendants while it predicts. It owns its
 * engine's memory: `close` it.
 *
 * A switch reads only the blocks that change, then replaces the list of blocks in one step. An inference keeps the list
 * it began with, and a block is released when nothing uses it any more. Switches are synchronous: a block is read in less
 * than a millisecond per megabyte, and engines that compute on this thread would make every wait last an inference.
 */
export class Runtime {
  readonly library: Library;
  readonly #engine: RuntimeEngine;
  readonly #space: ComposeSpace;
  #blocks: readonly Held[] = [];
  readonly #running = new Set<Promise<unknown>>();

  constructor(library: Library, engine: RuntimeEngine, latency?: LatencyModel) {
    this.library = library;
    this.#engine = engine;
    this.#space = composeSpace(library, latency);
  }

  get engine(): string {
    return this.#engine.description;
  }

  /** The descendants that the next inference will use, one per block. */
  get descendants(): readonly string[] {
    return this.#blocks.map(({ id }) => id);
  }

  /** Bytes of weights in use: the frame and the blocks. What an engine needs to compute with them comes on top. */
  get memoryBytes(): number {
    return this.#blocks.reduce(
      (sum, { sizeBytes }) => sum + sizeBytes,
      this.library.manifest.frame.sizeBytes,
    );
  }

  /**
   * Changes to the composition with the lowest predicted loss within the limits.
   * @throws BlockForgeError `usage` where nothing in the library fits: which limit binds, and the nearest that does;
   *   the runtime then goes on as it was
   */
  scaleTo(limits: RuntimeLimits): Switch & { readonly composition: Composition } {
    const composition = compositionWithin(this.library, this.#space, limits);
    return { ...this.use(composition.descendants), composition };
  }

  /**
   * Changes to the given descendants, one id per block. A file that is no longer what was opened is refused.
   * @throws BlockForgeError `library-invalid`, `file-missing`, `file-invalid`; the runtime then goes on as it was
   */
  use(descendants: readonly string[]): Switch {
    const started = performance.now();
    checkComposition(this.library, descendants);
    const before = this.#blocks;
    const after = [...before];
    const loaded: Held[] = [];
    const replaced: Held[] = [];
    try {
      for (const [index, id] of descendants.entries()) {
        if (before[index]?.id === id) continue;
        after[index] = this.#load(index, id);
        loaded.push(after[index]);
        if (before[index] !== undefined) replaced.push(before[index]);
      }
    } catch (error) {
      drop(loaded);
      throw error;
    }
    this.#blocks = after;
    drop(replaced);
    return {
      descendants: this.descendants,
      loaded: loaded.map(({ id }) => id),
      bytesLoaded: bytesOf(loaded),
      bytesReleased: bytesOf(replaced),
      milliseconds: performance.now() - started,
    };
  }

  /**
   * @param images encoded images, preprocessed here as the teacher was measured; or pixels [B, C, height, width], normalised
   * @throws BlockForgeError `data-invalid`, `file-missing`
   */
  async predict(images: readonly EncodedImage[] | Float32Array): Promise<Prediction[]> {
    const { architecture, preprocessing, classNames } = this.library.manifest.teacher;
    const { height, width } = extentOf(architecture.imageSize);
    const size = architecture.channels * height * width;
    const pixels = images instanceof Float32Array ? images : await preprocessImages(images, preprocessing);
    if (pixels.length === 0 || pixels.length % size !== 0) {
      fail({
        reason: 'data-invalid',
        subject: 'images to predict',
        found: `${pixels.length} values`,
        expected: `a multiple of ${size}: [images, ${architecture.channels}, ${height}, ${width}]`,
      });
    }
    const batch = pixels.length / size;
    const logits = await this.#infer(pixels, batch);
    return Array.from({ length: batch }, (_, index) => {
      const own = logits.slice(index * architecture.classes, (index + 1) * architecture.classes);
      const largest = own.reduce((a, b) => Math.max(a, b), -Infinity);
      const classIndex = own.indexOf(largest);
      const probability = 1 / own.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
      return { classIndex, className: classNames?.[classIndex] ?? null, probability, logits: own };
    });
  }

  /** Waits for what is running, then gives all memory back. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
    const blocks = this.#blocks;
    this.#blocks = [];
    drop(blocks);
    await this.#engine.close();
  }

  async #infer(pixels: Float32Array, batch: number): Promise<Float32Array> {
    const blocks = this.#blocks;
    for (const block of blocks) block.users++;
    const run = this.#engine.run(
      pixels,
      batch,
      blocks.map(({ resident }) => resident),
    );
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
      drop(blocks);
    }
  }

  #load(block: number, id: string): Held {
    const { file, width: hidden } = this.library.descendant(id);
    const { width } = this.library.manifest.teacher.architecture;
    const tensors = this.library.files.readSync(file, (path) =>
      readDescendantSync(path, block, { hidden, width }),
    );
    return { id, sizeBytes: file.sizeBytes, resident: this.#engine.hold(block, tensors), users: 1 };
  }
}

/**
 * Starts a model from a library with the teacher's own blocks, or the descendants asked for.
 * @throws BlockForgeError `engine-unavailable`, `file-missing` or `file-invalid` for a profile, and what `Runtime.use` throws
 */
export async function startRuntime(library: Library, options: RuntimeOptions = {}): Promise<Runtime> {
  const { engine = 'onnxruntime', threads } = options;
  const latency =
    options.profile === undefined ? undefined : latencyModel(await findProfile(library, options.profile));
  const { descendants = library.manifest.blocks.map((block) => block.descendants[0]!.id) } = options;
  const opened =
    engine === 'onnxruntime'
      ? await (await import('./onnx-engine.ts')).openOnnxEngine(library, threads)
      : await (await import('./tfjs-engine.ts')).openTfjsEngine(library);
  const runtime = new Runtime(library, opened, latency);
  try {
    runtime.use(descendants);
  } catch (error) {
    await runtime.close();
    throw error;
  }
  return runtime;
}

function drop(blocks: readonly Held[]): void {
  for (const block of blocks) if (--block.users === 0) block.resident.release();
}

function bytesOf(blocks: readonly Held[]): number {
  return blocks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
