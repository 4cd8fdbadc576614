/**
 * Trains a small ViT from scratch to be a teacher, where no checkpoint exists. The plain recipe of Dosovitskiy et al.
 * 2021 (appendix B.1) with the usual refinements: AdamW with decay on matrices only, gradients clipped to norm 1, linear
 * warm-up and cosine, label smoothing, flips and padded crops. The best epoch on held-out images is the teacher.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { normalise } from '../../datasets/normalise.ts';
import type { RawBatch } from '../../datasets/contract.ts';
import { forward } from '../model/encoder.ts';
import { downloadWeights } from '../model/upload.ts';
import { createLossLog, failNotFinite } from '../tensor/loss-log.ts';
import { assertFlat } from '../tensor/memory.ts';
import { scheduleMultiplier } from '../tensor/schedule.ts';
import { fail } from '../util/failure.ts';
import { smoothedTargets, decays, trainStep, type TrainingModel } from './train-step.ts';
import { batchesPerEpoch, pickImages, trainBatches } from './train-batches.ts';
import {
  disposeModel,
  restoreTraining,
  saveTraining,
  startTraining,
  type TrainingRun,
} from './train-state.ts';
import type { TrainedTeacher, TrainTask } from './train-task.ts';
import { extentOf, imageSizeText, isSameSize } from '../model/architecture.ts';

export type { Epoch, TrainedTeacher, TrainTask } from './train-task.ts';

const clipNorm = 1;

/**
 * Equal tasks give equal weights on one engine and thread count; interrupted, it goes on from the last finished epoch
 * to the same weights. Throws `signal.reason` on abort. Leaves no tensor behind.
 *
 * @throws BlockForgeError `data-invalid` where images and architecture differ; `not-finite` with epoch and step.
 */
export async function trainTeacher(task: TrainTask): Promise<TrainedTeacher> {
  const { architecture, settings } = task;
  checkImages(task);
  const saved = await task.checkpoint.load();
  const run =
    saved === undefined ? startTraining(architecture, task.seed) : restoreTraining(architecture, saved);
  const { history } = run;
  try {
    const checkTensors = assertFlat('teacher training');
    for (let epoch = history.length + 1; epoch <= settings.epochs; epoch++) {
      checkTensors();
      const began = performance.now();
      const loss = await trainEpoch(task, run, epoch);
      const heldOutAccuracy = await accuracyOf(run.model, task);
      history.push({ epoch, loss, heldOutAccuracy, seconds: (performance.now() - began) / 1000 });
      if (heldOutAccuracy > run.best.accuracy) {
        const weights = await downloadWeights(run.model.weights, architecture);
        run.best = { epoch, accuracy: heldOutAccuracy, weights };
      }
      await task.checkpoint.save(saveTraining(run));
    }
    const { epoch: bestEpoch, accuracy: bestAccuracy, weights } = run.best;
    return { weights, history, bestEpoch, bestAccuracy };
  } finally {
    disposeModel(run.model);
  }
}

/** One pass over the training images; leaves the trained model in `run` and returns the mean loss. */
async function trainEpoch(task: TrainTask, run: TrainingRun, epoch: number): Promise<number> {
  const { architecture, train, settings, seed } = task;
  const { batchSize, epochs } = settings;
  const perEpoch = batchesPerEpoch(train.count, batchSize);
  const adam = { weightDecay: settings.weightDecay, decays, clipNorm };
  const schedule = {
    name: 'cosine',
    steps: epochs * perEpoch,
    warmupSteps: Math.min(epochs * perEpoch, Math.round(settings.warmupEpochs * perEpoch)),
  } as const;
  const losses = createLossLog();
  let sum = 0;
  let images = 0;
  let step = 0;
  let reported = performance.now();
  try {
    for (const batch of trainBatches(train, epoch, { batchSize, augment: settings.augment, seed })) {
      await nextTurn();
      task.signal.throwIfAborted();
      const pixels = imageTensor(batch, task);
      const smoothed = smoothedTargets(batch.labels, architecture.classes, settings.labelSmoothing);
      const targets = tf.tensor2d(smoothed, [batch.count, architecture.classes]);
      const rate = settings.learningRate * scheduleMultiplier(schedule, (epoch - 1) * perEpoch + step);
      const { model, loss } = trainStep(run.model, architecture, { pixels, targets }, adam, rate);
      run.model = model;
      losses.push([loss]);
      tf.dispose([pixels, targets]);
      step++;
      images += batch.count;
      if (!losses.isFull && step < perEpoch) continue;
      const firstStep = step - losses.steps + 1;
      const values = losses.drain((loss, place) =>
        failNotFinite(
          'teacher training',
          `the loss is ${loss} in epoch ${epoch}, step ${firstStep + place}`,
          'lower teacher.train.learningRate or raise teacher.train.warmupEpochs and run again',
        ),
      );
      const now = performance.now();
      const total = values.reduce((a, b) => a + b, 0);
      const last = run.history.at(-1);
      task.onProgress?.({
        fraction: (epoch - 1 + step / perEpoch) / epochs,
        note: `epoch ${epoch}/${epochs}`,
        step: (epoch - 1) * perEpoch + step,
        metrics: {
          loss: total / values.length,
          imagesPerSecond: (1000 * images) / (now - reported),
          ...(last !== undefined && { heldOutAccuracy: last.heldOutAccuracy }),
        },
      });
      sum += total;
      images = 0;
      reported = now;
    }
  } finally {
    losses.dispose();
  }
  return sum / perEpoch;
}

/** Share of the held-out images whose most likely class is the label. */
async function accuracyOf({ weights }: TrainingModel, task: TrainTask): Promise<number> {
  const { heldOut, architecture, settings } = task;
  let correct = 0;
  for (let start = 0; start < heldOut.count; start += settings.batchSize) {
    await nextTurn();
    const end = Math.min(heldOut.count, start + settings.batchSize);
    const batch = pickImages(
      heldOut,
      Uint32Array.from({ length: end - start }, (_, i) => start + i),
    );
    const found = tf.tidy(() => {
      const { logits } = forward({ architecture, weights }, imageTensor(batch, task));
      return Array.from(tf.argMax(logits, 1).dataSync());
    });
    found.forEach((label, index) => (correct += label === batch.labels[index] ? 1 : 0));
  }
  return correct / heldOut.count;
}

/** [B, height, width, C], normalised. Caller disposes. */
function imageTensor({ pixels, count, size, channels }: RawBatch, { mean, std }: TrainTask): tf.Tensor4D {
  const { height, width } = extentOf(size);
  return tf.tensor4d(normalise(pixels, { mean, std, channels }), [count, height, width, channels]);
}

function checkImages({ architecture, train, heldOut }: TrainTask): void {
  const { imageSize, channels, classes } = architecture;
  for (const [split, batch] of Object.entries({ train, 'held-out': heldOut })) {
    const highest = batch.labels.reduce((a, b) => Math.max(a, b), 0);
    if (
      isSameSize(batch.size, imageSize) &&
      batch.channels === channels &&
      highest < classes &&
      batch.count > 0
    )
      continue;
    fail({
      reason: 'data-invalid',
      subject: `teacher training, ${split} images`,
      found: `${batch.count} images of ${imageSizeText(batch.size)} px with ${batch.channels} channels, labels up to ${highest}`,
      expected: `images of ${imageSizeText(imageSize)} px with ${channels} channels, labels below ${classes}`,
      next: 'make teacher.train.architecture and data.preprocessing agree',
    });
  }
}
