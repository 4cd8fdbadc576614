import { setImmediate as nextTurn } from 'node:timers/promises';
import { isLookAfter } from '../../distill/schedule.ts';
import { createLossLog } from '../../tensor/loss-log.ts';
import { assertFlat } from '../../tensor/memory.ts';
import { averagingOf } from './averaging.ts';
import { failTraining, look } from './look.ts';
import { moveMean } from './running-mean.ts';
import { askingOf } from './asking.ts';
import { beginRun, plannedSteps } from './begin-run.ts';
import { openTeacher } from './online-teacher.ts';
import { rateAt } from './rate-at.ts';
import { submodelStep } from './submodel-step.ts';
import { disposeBatch, stepsPerEpoch, trainingBatches } from './training-batches.ts';
import { createReporter } from './training-reporter.ts';
import { imagesPerEpoch, trainingData, type TrainingData } from './training-data.ts';
import { disposeRun, restoreRun, saveRun, type SubmodelRun } from './training-run.ts';
import type { TrainedSubmodel, TrainingTask } from './training-task.ts';

const reportSeconds = 1;

/**
 * The loop of all trainings here: AdamW with decay on matrices only, gradients clipped, linear warm-up and cosine. `trainSubmodel` and
 * `fineTuneTeacher` say what it promises.
 */
export async function runTraining(task: TrainingTask): Promise<TrainedSubmodel> {
  const { architecture, settings, signal } = task;
  const began = performance.now();
  const data = trainingData(task);
  const asking = askingOf(task);
  const averaging = averagingOf(settings);
  const saved = await task.checkpoint.load();
  const teacher = openTeacher(task);
  const waiting = createLossLog();
  let run: SubmodelRun | undefined;
  try {
    run = await beginRun(task, data);
    return await train(run);
  } finally {
    teacher?.dispose();
    waiting.dispose();
    if (run) disposeRun(run);
  }

  async function train(run: SubmodelRun): Promise<TrainedSubmodel> {
    if (saved !== undefined) restoreRun(run, architecture, saved);
    else run.steps = await plannedSteps(task, data, began, teacher);
    const earlier = run.seconds;
    const seconds = (): number => earlier + (performance.now() - began) / 1000;
    const save = async (): Promise<void> => {
      run.seconds = seconds();
      await task.checkpoint.save(saveRun(run));
    };
    if (run.best === undefined) await look(task, data, run, seconds());

    const { steps } = run;
    const perEpoch = stepsPerEpoch(data, settings.batchSize);
    const reporter = createReporter(run);
    const readLosses = (): void => {
      const first = run.step - waiting.steps + 1;
      const values = waiting.drain((loss, place) =>
        failTraining(task.name, `the loss is ${loss}`, first + place),
      );
      for (const value of values) {
        run.losses = { sum: run.losses.sum + value, steps: run.losses.steps + 1 };
      }
      reporter.losses(values);
    };
    const checkTensors = assertFlat(`the training of ${task.name}`);
    const batches = trainingBatches(task, data, run.step, teacher);
    let savedAt = performance.now();
    let reportedAt = savedAt;
    try {
      while (run.step < steps) {
        await nextTurn();
        if (signal.aborted) {
          readLosses();
          await save();
          throw signal.reason;
        }
        const stepBegan = performance.now();
        const { value: batch } = await batches.next();
        const rate = rateAt(settings, steps, perEpoch, run.step);
        const { model, loss } = submodelStep(run.model, asking, batch, settings, rate);
        disposeBatch(batch);
        run.model = model;
        run.step++;
        if (run.average && averaging !== undefined) {
          run.average = moveMean(run.average, model.parameters, averaging.decay, run.step);
        }
        waiting.push([loss]);
        const now = performance.now();
        reporter.step(batch.count, (now - stepBegan) / 1000);

        // Now and then: losses from the engine, a look at held-out images, a report, a checkpoint.
        const isLook = isLookAfter(run.step, { steps, hurried: null });
        const isReport = now - reportedAt >= reportSeconds * 1000 || run.step === steps;
        const isSave = now - savedAt >= (task.checkpointSeconds ?? 30) * 1000;
        if (isLook || isReport || isSave || waiting.isFull) {
          readLosses();
          checkTensors();
        }
        if (isLook) await look(task, data, run, seconds());
        if (isReport) {
          task.onProgress?.(reporter.report());
          reportedAt = now;
        }
        if (isSave) {
          await save();
          savedAt = performance.now();
        }
      }
    } finally {
      await batches.return(undefined as never);
    }
    return conclude(run, data);
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
