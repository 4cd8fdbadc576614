import * as tf from '@tensorflow/tfjs-core';
import { backboneOf } from '../model/backbones.ts';
import { uploadTeacher } from '../model/upload.ts';
import { changeAxes } from './change-axes.ts';
import { classTargets } from './class-targets.ts';
import { cutModel, type Kept } from './cut.ts';
import { divergenceFrom, expectedLogits } from './divergence.ts';
import { reconstructionAxes } from './find-axes.ts';
import { fisherScores } from './fisher-scores.ts';
import { foldVit } from './fold.ts';
import { klScores } from './kl-scores.ts';
import { limited } from './limited.ts';
import { magnitudeScores } from './magnitude-scores.ts';
import { modelSensitivity } from './model-sensitivity.ts';
import { collectMoments } from './moments.ts';
import { refitModel } from './refit-model.ts';
import { requireFinite } from './require-finite.ts';
import { scoredAxes } from './scored-axes.ts';
import { searchShape, uniformShape, type ShapeOptions } from './search-shape.ts';
import type { Sensitivity } from './sensitivity.ts';
import { cutOf, type ModelShape } from './shape.ts';
import type { SliceResult, SliceTask } from './slice-task.ts';
import type { SlicedModel } from './sliced-model.ts';
import { visitImages } from './visit-images.ts';

/**
 * Cuts a model for a subset of the classes out of a teacher: folds it (`fold.ts`), puts its axes in order of worth, splits
 * the budget between them, cuts, and refits what is left in closed form. Nothing is trained and no label is read.
 * @throws BlockForgeError `config-invalid` where the limits are below a twelfth of every dimension
 */
export async function sliceByCompensation(task: SliceTask): Promise<SliceResult> {
  const { teacher, classes, other, settings, seed, signal } = task;
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
  const sensitivity = await modelSensitivity(own, fit(settings.gradientImages)(), {
    images: settings.gradientImages,
    seed,
    signal,
  });
  const whole = await orderAxes(task, folded, own, asked, sensitivity, uniform, progress);
  const headTargets = (logits: tf.Tensor): tf.Tensor => classTargets(logits, classes, other);
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
    classTargets(logits, classes, classes.length === 1 && other),
  );
  const divergence = (model: SlicedModel, images: number) =>
    divergenceFrom(expected, model, limited(task.judge, images)(), signal);

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
  requireFinite(kl, classes.length);
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
