import { checkComposition, type Library } from '../library/open.ts';
import { latencyModel, type LatencyModel } from '../profile/latency.ts';
import { findProfile } from '../profile/profile-file.ts';
import { readDescendantSync } from '../library/weights.ts';
import { spaceData } from '../compose/space-data.ts';
import { openSpace, type ComposeSpace, type Composition } from '../compose/space.ts';
import { fail } from '../util/failure.ts';
import type { RuntimeEngine, RuntimeEngineName } from './engine.ts';
import { preprocessImages, type EncodedImage } from './images.ts';
import { compositionWithin, type RuntimeLimits } from './limits.ts';
import { predictionsOf, type Prediction } from './prediction.ts';
import { RunningModel, type Switch } from './running-model.ts';
import { extentOf, ffnExtents, isClassifier } from '../model/architecture.ts';

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

export type { Prediction } from './prediction.ts';
export type { Switch } from './running-model.ts';

/** A library's `RunningModel`: what fits is chosen here, and images are prepared. It owns its engine's memory: `close` it. */
export class Runtime {
  readonly library: Library;
  readonly #engine: RuntimeEngine;
  readonly #space: ComposeSpace;
  readonly #model: RunningModel;

  constructor(library: Library, engine: RuntimeEngine, latency?: LatencyModel) {
    this.library = library;
    this.#engine = engine;
    this.#space = openSpace(spaceData(library.manifest, latency));
    const { teacher, frame } = library.manifest;
    this.#model = new RunningModel({
      engine,
      frameBytes: frame.sizeBytes,
      read(block, id) {
        const { file, width: hidden } = library.descendant(id);
        const tensors = library.files.readSync(file, (path) =>
          readDescendantSync(path, block, ffnExtents(teacher.architecture, block, hidden)),
        );
        return { tensors, sizeBytes: file.sizeBytes };
      },
    });
  }

  get engine(): string {
    return this.#engine.description;
  }

  /** The descendants that the next inference will use, one per block. */
  get descendants(): readonly string[] {
    return this.#model.descendants;
  }

  /** Bytes of weights in use: the frame and the blocks. What an engine needs to compute with them comes on top. */
  get memoryBytes(): number {
    return this.#model.memoryBytes;
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
    checkComposition(this.library, descendants);
    return this.#model.use(descendants);
  }

  /**
   * @param images encoded images, preprocessed here as the teacher was measured; or pixels [B, C, height, width], normalised
   * @throws BlockForgeError `data-invalid`, also where the model is no classifier; `file-missing`
   */
  async predict(images: readonly EncodedImage[] | Float32Array): Promise<Prediction[]> {
    const { architecture, classNames } = this.library.manifest.teacher;
    if (!isClassifier(architecture)) {
      fail({
        reason: 'data-invalid',
        subject: 'images to predict',
        found: 'a library of a model that answers with features, not with classes',
        expected: 'a classifier',
        next: 'ask for the features: runtime.features(images)',
      });
    }
    return predictionsOf(await this.#answers(images), architecture.classes, classNames);
  }

  /**
   * What a model without a classifier says of images, one vector for each; of a classifier its logits.
   * @param images as of `predict` @throws as `predict`
   */
  async features(images: readonly EncodedImage[] | Float32Array): Promise<Float32Array[]> {
    const { classes } = this.library.manifest.teacher.architecture;
    const answers = await this.#answers(images);
    return Array.from({ length: answers.length / classes }, (_, image) =>
      answers.slice(image * classes, (image + 1) * classes),
    );
  }

  /** [B, classes] */
  async #answers(images: readonly EncodedImage[] | Float32Array): Promise<Float32Array> {
    const { architecture, preprocessing } = this.library.manifest.teacher;
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
    return this.#model.infer(pixels, pixels.length / size);
  }

  /** Waits for what is running, then gives all memory back. */
  close(): Promise<void> {
    return this.#model.close();
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
