import * as tf from '@tensorflow/tfjs-core';
import { scoreLogits, teacherReference } from '../measure/score-logits.ts';
import type { Architecture } from '../model/architecture.ts';
import { backboneOf } from '../model/backbones.ts';
import { forward } from '../model/encoder.ts';
import type { HostWeights } from '../model/host-weights.ts';
import { uploadTeacher } from '../model/upload.ts';
import type { JobProgress } from '../runner/contract.ts';
import type { Json } from '../util/hash.ts';
import { fail } from '../util/failure.ts';
import { changeAxes } from './change-axes.ts';
import { cutModel, type Kept } from './cut.ts';
import { reconstructionAxes } from './find-axes.ts';
import { fisherScores } from './fisher-scores.ts';
import { foldVit } from './fold.ts';
import { klScores } from './kl-scores.ts';
import { magnitudeScores } from './magnitude-scores.ts';
import { collectMoments } from './moments.ts';
import { refitModel } from './refit-model.ts';
import type { SliceSettings } from './schema.ts';
import { scoredAxes } from './scored-axes.ts';
import { searchShape, uniformShape, type ShapeOptions } from './search-shape.ts';
import { measureSensitivity, type Sensitivity } from './sensitivity.ts';
import { cutOf, type ModelShape, type ShapeLimits } from './shape.ts';
import type { SlicedModel } from './sliced-model.ts';
import { visitImages } from './visit-images.ts';

export interface SliceTask {
  readonly teacher: { readonly weights: HostWeights; readonly architecture: Architecture };
  /** Outputs of the teacher that the sub-model is to have. */
  readonly classes: readonly number[];
  /** Whether it has one more, for all the others together: their log-sum-exp. */
  readonly other: boolean;
  /** Pixels [B, S, S, C] of the subset's images; may be walked again. Whoever walks disposes. */
  readonly fit: () => AsyncIterable<tf.Tensor4D>;
  /** The same of images that nothing is fitted to. */
  readonly judge: () => AsyncIterable<tf.Tensor4D>;
  readonly limits: ShapeLimits;
  readonly settings: SliceSettings;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: JobProgress) => void;
}

export interface SliceResult {
  readonly model: SlicedModel;
  /** The shape, what was measured to find it, and the divergence from the teacher among the classes on the judging images. */
  readonly report: Json;
}

/**
 * Cuts a model for a subset of the classes out of a teacher: folds it (`fold.ts`), puts its axes in order of worth, splits
 * the budget between them, cuts, and refits what is left in closed form. Nothing is trained and no label is read.
 * @throws BlockForgeError `config-invalid` where the limits are below a twelfth of every dimension
 */
export async function sliceSubmodel(task: SliceTask): Promise<SliceResult> {
  const { teacher, classes, other, settings, signal } = task;
  const progress = (fraction: number, note: string): void => task.onProgress({ fraction, note });
  const folded = foldVit(teacher.weights, teacher.architecture);
  // Which parts matter is asked of the teacher that knows these classes alone; one class is told from all others.
  const asked = classes.length > 1 ? classes : folded.architecture.classes;
  const own = cutModel(folded, { classes: asked });
  const rows = other ? [...classes, classes[0]!] : classes;
  const options: ShapeOptions = {
    whole: folded.architecture,
    classes: rows.length,
    limits: task.limits,
    multiple: settings.widthMultiple,
  };
  const fit = (images: number) => limited(task.fit, images);
  const uniform = uniformShape(options);
  progress(0, 'gradients');
  const sensitivity = await sensitivityOf(own, fit(settings.gradientImages), task);
  const whole = await orderAxes(task, folded, own, asked, sensitivity, uniform, progress);
  const headTargets = (logits: tf.Tensor): tf.Tensor => targetsOf(logits, classes, other);
  const refitted = (shape: ModelShape, images: number, onLayer?: (layer: number) => void) => {
    const cut = cutModel(whole, cutOf(whole.architecture, shape, rows));
    if (settings.refit.length === 0) return Promise.resolve(cut);
    const { refit: layers, ridge } = settings;
    return refitModel(whole, cut, fit(images)(), {
      layers,
      ridge,
      sensitivity,
      headTargets,
      signal,
      onLayer,
    });
  };
  const judged = settings.search.images;
  // What every shape is compared with is the same: the teacher is asked once.
  const expected = await expectedLogits(folded, task.judge(), signal, (logits) =>
    targetsOf(logits, classes, classes.length === 1 && other),
  );
  const divergence = (model: SlicedModel, images: number) =>
    klOf(expected, model, limited(task.judge, images)(), signal);

  let tried = 0;
  const { shape, measured } =
    settings.search.shapes === 1
      ? { shape: uniform, measured: [] }
      : await searchShape(options, settings.search.shapes, async (candidate) => {
          progress(0.2 + (0.5 * tried) / settings.search.shapes, `shape ${++tried}`);
          return divergence(await refitted(candidate, settings.search.images), judged);
        });
  const model = await refitted(shape, settings.images, (layer) =>
    progress(0.7 + (0.25 * (layer + 1)) / own.architecture.depth, `refit of layer ${layer + 1}`),
  );
  const kl = await divergence(model, Infinity);
  if (!Number.isFinite(kl)) {
    fail({
      reason: 'not-finite',
      subject: `the sub-model of ${classes.length} classes`,
      found: `a divergence of ${kl} from the teacher after the refit`,
      expected: 'a number',
      next: 'raise slice.ridge, or give it more images (data.splits.calibration)',
    });
  }
  const described = (one: ModelShape) => ({ ...one });
  return {
    model,
    report: {
      criterion: settings.criterion,
      shape: described(shape),
      uniform: described(uniform),
      kl,
      measured: measured.map((one) => ({
        shape: described(one.shape),
        kl: one.kl,
      })),
    },
  };
}

/** The whole model with its axes in the order of the criterion. */
async function orderAxes(
  { settings, fit, seed, signal }: SliceTask,
  folded: SlicedModel,
  own: SlicedModel,
  asked: Kept,
  sensitivity: Sensitivity,
  shape: ModelShape,
  progress: (fraction: number, note: string) => void,
): Promise<SlicedModel> {
  const { criterion, images, gradientImages, kl } = settings;
  if (criterion !== 'reconstruction') {
    progress(0.05, `scores by ${criterion}`);
    const score = {
      magnitude: () => magnitudeScores,
      fisher: () => fisherScores(fit, { images: gradientImages, seed, signal }),
      kl: () => klScores(fit, { ...kl, signal }),
    }[criterion]();
    return scoredAxes(folded, asked, shape, score);
  }
  const tensors = uploadTeacher(own.weights, own.architecture);
  const streams: tf.Tensor[] = [];
  try {
    const { embed } = backboneOf(own.architecture);
    await visitImages(limited(fit, images)(), { signal }, (pixels) => {
      streams.push(tf.tidy(() => embed(tensors, pixels)));
    });
    const moments = await collectMoments(tensors, streams, sensitivity, (layer) => {
      signal.throwIfAborted();
      progress(0.05 + (0.15 * (layer + 1)) / own.architecture.depth, `statistics of layer ${layer + 1}`);
    });
    return changeAxes(folded, reconstructionAxes(folded, moments, sensitivity));
  } finally {
    tf.dispose(streams);
    tensors.dispose();
  }
}

async function sensitivityOf(
  own: SlicedModel,
  batches: () => AsyncIterable<tf.Tensor4D>,
  { settings, seed, signal }: SliceTask,
): Promise<Sensitivity> {
  const tensors = uploadTeacher(own.weights, own.architecture);
  try {
    return await measureSensitivity(tensors, batches(), { images: settings.gradientImages, seed, signal });
  } finally {
    tensors.dispose();
  }
}

/** Of the teacher's logits [B, K]: those of the classes and, with `other`, the log-sum-exp of all the rest. */
function targetsOf(logits: tf.Tensor, classes: readonly number[], other: boolean): tf.Tensor {
  return tf.tidy(() => {
    const own = tf.gather(logits, [...classes], 1);
    if (!other) return own;
    const known = new Set(classes);
    const rest = Array.from({ length: logits.shape[1]! }, (_, index) => index).filter(
      (one) => !known.has(one),
    );
    return tf.concat([own, tf.logSumExp(tf.gather(logits, rest, 1), 1, true)], 1);
  });
}

/** Of every judging image, in their order, what a model is compared with. */
interface ExpectedLogits {
  readonly classes: number;
  /** One array [B, classes] per batch. */
  readonly batches: readonly Float32Array[];
}

/** What `compared` takes of the teacher's logits [B, K]. */
async function expectedLogits(
  whole: SlicedModel,
  batches: AsyncIterable<tf.Tensor4D>,
  signal: AbortSignal,
  compared: (logits: tf.Tensor) => tf.Tensor,
): Promise<ExpectedLogits> {
  const teacher = uploadTeacher(whole.weights, whole.architecture);
  const found: Float32Array[] = [];
  let classes = 0;
  try {
    await visitImages(batches, { signal }, (pixels) => {
      tf.tidy(() => {
        const expected = compared(forward(teacher, pixels).logits);
        classes = expected.shape[1] ?? 0;
        found.push(expected.dataSync<'float32'>());
      });
    });
    return { classes, batches: found };
  } finally {
    teacher.dispose();
  }
}

/** Mean `KL(expected || model)` among the model's first outputs, over the first judging images; nats an image. */
async function klOf(
  { classes, batches: expected }: ExpectedLogits,
  model: SlicedModel,
  batches: AsyncIterable<tf.Tensor4D>,
  signal: AbortSignal,
): Promise<number> {
  const student = uploadTeacher(model.weights, model.architecture);
  let sum = 0;
  let batch = 0;
  try {
    const images = await visitImages(batches, { signal }, (pixels) => {
      const count = pixels.shape[0];
      const rows = expected[batch++]!.subarray(0, count * classes);
      const found = tf.tidy(() =>
        tf.slice(forward(student, pixels).logits, [0, 0], [-1, classes]).dataSync(),
      );
      const { kl } = scoreLogits(found, new Int32Array(count), teacherReference(rows, classes));
      for (const value of kl) sum += value;
    });
    return sum / images;
  } finally {
    student.dispose();
  }
}

/** The first batches, until there are so many images. */
function limited(
  batches: () => AsyncIterable<tf.Tensor4D>,
  images: number,
): () => AsyncIterable<tf.Tensor4D> {
  return async function* () {
    let left = images;
    for await (const pixels of batches()) {
      const count = pixels.shape[0];
      if (count > left) {
        const some = tf.slice4d(pixels, [0, 0, 0, 0], [left, -1, -1, -1]);
        pixels.dispose();
        yield some;
        return;
      }
      left -= count;
      yield pixels;
      if (left === 0) return;
    }
  };
}
