import { normalise } from '../../../datasets/normalise.ts';
import { takeShaped } from '../../library/take-shaped.ts';
import { frameShapes } from '../../library/weight-shapes.ts';
import { readFloats } from '../../model/safetensors-floats.ts';
import { predictionsOf, type Prediction } from '../../runtime/prediction.ts';
import { RunningModel, type ModelParts } from '../../runtime/running-model.ts';
import { tfjsModel } from '../../runtime/tfjs-model.ts';
import { toPlanes } from '../../runtime/to-planes.ts';
import { blockFiles } from './block-files.ts';
import { canHash, fetchFile } from './fetch-file.ts';
import type { MeasuredHere, Predicted, Requests, Started, Used } from './messages.ts';
import { preparePicture } from './prepare-picture.ts';
import { openSamples } from './sample-images.ts';
import { startBackend } from './start-backend.ts';

type Given<Kind extends keyof Requests> = Requests[Kind]['given'];

/** The model and, beside it, the teacher; both over one frame. */
export interface ModelThread {
  readonly started: Started;
  use(asked: Given<'use'>): Promise<Used>;
  fetch(asked: Given<'fetch'>): Promise<Requests['fetch']['answer']>;
  predict(asked: Given<'predict'>): Promise<Predicted>;
  measure(asked: Given<'measure'>): Promise<MeasuredHere>;
}

const shownClasses = 5;

/**
 * Starts an engine and fetches the frame; blocks come with the first `use`.
 * @throws BlockForgeError `engine-unavailable`, `download-failed`, `library-invalid`, `file-invalid`
 */
export async function startModelThread({ document, base, backend }: Given<'start'>): Promise<ModelThread> {
  const { architecture, preprocessing, frame, blocks } = document;
  const { name, description } = await startBackend(backend, base, document.teacherMacs);
  const bytes = await fetchFile(frame, base);
  const weights = takeShaped(readFloats(bytes, frame.path), frameShapes(architecture), frame.path);
  const engine = tfjsModel(weights, architecture, description);
  const files = blockFiles(document, base);
  const read: ModelParts['read'] = (block, id) => files.read(block, id);
  const parts = { engine, frameBytes: frame.sizeBytes, read };
  const model = new RunningModel(parts);
  const teacher = new RunningModel({ ...parts, frameBytes: 0 });
  const own = blocks.map(({ descendants }) => descendants[0]!.id);
  const samples = lazily(() => openSamples(document, base));

  const prepared = (pixels: Uint8Array) => toPlanes(normalise(pixels, preprocessing), preprocessing.channels);
  const ask = async (which: RunningModel, planes: Float32Array, batch: number): Promise<Prediction[]> =>
    predictionsOf(await which.infer(planes, batch), architecture.classes, document.classNames);
  const needTeacher = async () => {
    const held = teacher.descendants.length > 0;
    const fetched = held ? 0 : await files.have(own);
    if (!held) teacher.use(own);
    return fetched;
  };
  /** What the teacher says of the samples, asked once. */
  const teacherSays = new Map<number, number>();

  return {
    started: { backend: name, description: engine.description, hashes: canHash() },

    async use({ descendants, teacher: withTeacher }) {
      const begun = performance.now();
      const held = new Set(model.descendants);
      let fetchedBytes = await files.have(descendants.filter((id) => !held.has(id)));
      const fetchMs = fetchedBytes === 0 ? 0 : performance.now() - begun;
      const exchange = model.use(descendants);
      const milliseconds = performance.now() - begun;
      if (withTeacher) fetchedBytes += await needTeacher();
      const teacherBytes = teacher.descendants.length === 0 ? 0 : teacher.memoryBytes;
      return {
        ...{ exchange: { ...exchange, milliseconds }, fetchMs, fetchedBytes },
        ...{ memoryBytes: model.memoryBytes, teacherBytes },
      };
    },

    fetch: async ({ ids }) => ({ fetchedBytes: await files.have(ids) }),

    async predict({ image, teacher: withTeacher }) {
      const seen =
        'sample' in image
          ? (await samples()).pixels(image.sample)
          : new Uint8Array(preparePicture(image, preprocessing));
      const planes = prepared(seen);
      const { descendants } = model;
      const begun = performance.now();
      const said = (await ask(model, planes, 1))[0]!;
      const milliseconds = performance.now() - begun;
      if (withTeacher) await needTeacher();
      const teacherClass = withTeacher ? (await ask(teacher, planes, 1))[0]!.classIndex : undefined;
      return { descendants, classes: likeliest(said), milliseconds, teacherClass, seen };
    },

    async measure({ from, to }) {
      await needTeacher();
      const images = await samples();
      const { descendants } = model;
      const labels = document.images?.labels ?? [];
      const places = Array.from({ length: to - from }, (_, i) => from + i);
      const planes = concatenated(places.map((place) => prepared(images.pixels(place))));
      const said = await ask(model, planes, places.length);
      if (places.some((place) => !teacherSays.has(place))) {
        const answers = await ask(teacher, planes, places.length);
        answers.forEach(({ classIndex }, i) => teacherSays.set(from + i, classIndex));
      }
      const digits = (holds: (place: number, classIndex: number) => boolean) =>
        said.map(({ classIndex }, i) => (holds(from + i, classIndex) ? '1' : '0')).join('');
      return {
        descendants,
        agree: digits((place, classIndex) => classIndex === teacherSays.get(place)),
        correct: digits((place, classIndex) => classIndex === labels[place]),
      };
    },
  };
}

function likeliest({ logits }: Prediction): Predicted['classes'] {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return [...logits]
    .map((logit, index) => ({ index, probability: Math.exp(logit - largest) / sum }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, shownClasses);
}

function concatenated(parts: readonly Float32Array[]): Float32Array {
  const joined = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Makes it once, when it is first asked for; what failed is made again. */
function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () =>
    (made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    }));
}
