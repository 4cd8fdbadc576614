import type * as tf from '@tensorflow/tfjs-core';
import { averagingOf } from './averaging.ts';
import { failTraining, look } from './look.ts';
import { moveMean } from './running-mean.ts';
import { askingOf } from './asking.ts';
import { beginRun } from './begin-run.ts';
import { openTeacher } from './online-teacher.ts';
import { plannedSteps } from './planned-steps.ts';
import { rateAt } from './rate-at.ts';
import { submodelStep } from './submodel-step.ts';
import { disposeBatch, stepsPerEpoch, trainingBatches, type SubmodelBatch } from './training-batches.ts';
import { imagesPerEpoch, trainingData, type TrainingData } from './training-data.ts';
import { trainingLoop } from './training-loop.ts';
import { disposeRun, restoreRun, saveRun, type SubmodelRun } from './training-run.ts';
import type { TrainedSubmodel, TrainingTask } from './training-task.ts';

/**
 * The training of one model, whoever it is and whatever it learns from: AdamW with decay on matrices only, gradients clipped, linear
 * warm-up and cosine. `trainSubmodel` and `fineTuneTeacher` say what it promises.
 */
export async function runTraining(task: TrainingTask): Promise<TrainedSubmodel> {
  const { name, architecture, settings, signal, checkpointSeconds, onProgress } = task;
  const began = performance.now();
  const data = trainingData(task);
  const asking = askingOf(task);
  const averaging = averagingOf(settings);
  const saved = await task.checkpoint.load();
  const teacher = openTeacher(task);
  const perEpoch = stepsPerEpoch(data, settings.batchSize);
  let run: SubmodelRun | undefined;
  try {
    run = await beginRun(task, data);
    if (saved !== undefined) restoreRun(run, architecture, saved);
    else run.steps = await plannedSteps({ duration: settings.duration, perEpoch, began, signal }, trial);
    const moving = run;
    await trainingLoop({
      name: `the training of ${name}`,
      run,
      began,
      batches: trainingBatches(task, data, run.step, teacher),
      signal,
      checkpointSeconds,
      onProgress,
      step(batch) {
        const loss = stepOf(moving, batch, rateAt(settings, moving.steps, perEpoch, moving.step));
        moving.step++;
        if (moving.average && averaging !== undefined) {
          const { parameters } = moving.model;
          moving.average = moveMean(moving.average, parameters, averaging.decay, moving.step);
        }
        return loss;
      },
      look: (seconds) => look(task, data, moving, seconds),
      found: () => {
        const last = moving.history.at(-1);
        return last === undefined ? {} : { heldOutAccuracy: last.ownAccuracy };
      },
      save: () => task.checkpoint.save(saveRun(moving)),
      fail: (found, step) => failTraining(task, found, step),
    });
    return conclude(run, data);
  } finally {
    teacher?.dispose();
    if (run) disposeRun(run);
  }

  function stepOf(run: SubmodelRun, batch: SubmodelBatch, rate: number): tf.Scalar {
    const { model, loss } = submodelStep(run.model, asking, batch, settings, rate);
    disposeBatch(batch);
    run.model = model;
    return loss;
  }

  async function trial() {
    const run = await beginRun(task, data);
    return {
      batches: trainingBatches(task, data, 0, teacher),
      step: (batch: SubmodelBatch) => stepOf(run, batch, 0),
      look: () => look(task, data, run, 0),
      dispose: () => disposeRun(run),
    };
  }
}

function conclude({ best, history, steps }: SubmodelRun, data: TrainingData): TrainedSubmodel {
  const [start] = history;
  if (best === undefined || start === undefined) throw new Error('a training without a look');
  const { own } = data.training;
  const images = {
    perEpoch: imagesPerEpoch(data.training),
    own: own.length,
    heldOut: data.heldOut.length,
  };
  return { weights: best.weights, history, start, best: best.look, steps, images };
}
