/**
 * Trains the sub-models of a fleet and the head over them together, on images of all classes (DeViT, IEEE TMC 2024, model ensemble):
 * AdamW with decay on matrices for each, one schedule for all.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { stepsWithin } from '../../distill/rate.ts';
import { isLookAfter } from '../../distill/schedule.ts';
import { createLossLog } from '../../tensor/loss-log.ts';
import { assertFlat } from '../../tensor/memory.ts';
import { averagingOf } from '../training/averaging.ts';
import { openTeacher, type AskedTeacher } from '../training/online-teacher.ts';
import { rateAt } from '../training/rate-at.ts';
import { stepsPerEpoch, trainingBatches } from '../training/training-batches.ts';
import { asOneModel, ensembleData, type EnsembleData } from './as-one-model.ts';
import { beginRun } from './begin-run.ts';
import { conclude } from './conclude.ts';
import { createReporter } from './ensemble-reporter.ts';
import { disposeRun, saveRun, type EnsembleRun } from './ensemble-run.ts';
import type { EnsembleTask, TrainedEnsemble } from './ensemble-task.ts';
import { failEnsemble, look } from './look.ts';
import { createStepper, type Stepper } from './stepper.ts';

export type { EnsembleLook, EnsembleMember, EnsembleTask, TrainedEnsemble } from './ensemble-task.ts';

const reportSeconds = 1;

/**
 * Equal tasks give equal weights on one engine and thread count, interrupted or not. On abort it checkpoints and throws
 * `signal.reason`. Leaves no tensor behind.
 *
 * @throws BlockForgeError `config-invalid`, `data-invalid` where images are missing or do not fit; `not-finite` with the step.
 */
export async function trainEnsemble(task: EnsembleTask): Promise<TrainedEnsemble> {
  const began = performance.now();
  const one = asOneModel(task);
  const data = ensembleData(one);
  const saved = await task.checkpoint.load();
  const teacher = openTeacher(one);
  let run: EnsembleRun | undefined;
  let stepper: Stepper | undefined;
  try {
    run = await beginRun(task, data, saved);
    if (saved === undefined) run.steps = await plannedSteps(task, data, began, teacher);
    stepper = createStepper(task, data, run);
    await train(task, data, run, { stepper, teacher, began });
    return await conclude(task, data, run);
  } finally {
    teacher?.dispose();
    stepper?.dispose();
    if (run) disposeRun(run);
  }
}

interface Means {
  readonly stepper: Stepper;
  readonly teacher: AskedTeacher | undefined;
  /** Of `performance.now()`. */
  readonly began: number;
}

async function train(
  task: EnsembleTask,
  data: EnsembleData,
  run: EnsembleRun,
  { stepper, teacher, began }: Means,
): Promise<void> {
  const { settings, signal } = task;
  const earlier = run.seconds;
  const seconds = (): number => earlier + (performance.now() - began) / 1000;
  const save = async (): Promise<void> => {
    run.seconds = seconds();
    await task.checkpoint.save(saveRun(run));
  };
  if (run.best === undefined) await look(task, data, run, seconds());
  const { steps } = run;
  const perEpoch = stepsPerEpoch(data, settings.batchSize);
  const averaging = averagingOf(settings)?.decay;
  const waiting = createLossLog();
  const reporter = createReporter(run);
  const readLosses = (): void => {
    const first = run.step - waiting.steps + 1;
    const values = waiting.drain((loss, place) =>
      failEnsemble(task.name, `the loss is ${loss}`, first + place),
    );
    for (const value of values) run.losses = { sum: run.losses.sum + value, steps: run.losses.steps + 1 };
    reporter.losses(values);
  };
  const checkTensors = assertFlat(`the training of the ensemble ${task.name}`);
  const batches = trainingBatches(asOneModel(task), data, run.step, teacher);
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
      const learningRate = rateAt(settings, steps, perEpoch, run.step);
      waiting.push([stepper.step(run, batch, { ...settings, learningRate, averaging })]);
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
    waiting.dispose();
  }
}

/** Steps that the settings ask for. Minutes become steps by a few steps and a look of a run that is forgotten. */
async function plannedSteps(
  task: EnsembleTask,
  data: EnsembleData,
  began: number,
  teacher: AskedTeacher | undefined,
): Promise<number> {
  const { settings, signal } = task;
  const { duration } = settings;
  if ('steps' in duration) return duration.steps;
  if ('epochs' in duration) {
    return Math.max(1, Math.round(duration.epochs * stepsPerEpoch(data, settings.batchSize)));
  }
  const trial = await beginRun(task, data);
  const stepper = createStepper(task, data, trial);
  const batches = trainingBatches(asOneModel(task), data, 0, teacher);
  const averaging = averagingOf(settings)?.decay;
  try {
    const step = async (): Promise<void> => {
      signal.throwIfAborted();
      const { value: batch } = await batches.next();
      const loss = stepper.step(trial, batch, { ...settings, learningRate: 0, averaging });
      // Waits for the engine: a GPU would otherwise still be at work when the clock is read.
      loss.dataSync();
      loss.dispose();
    };
    return await stepsWithin(60 * duration.minutes, began, step, () => look(task, data, trial, 0));
  } finally {
    await batches.return(undefined as never);
    stepper.dispose();
    disposeRun(trial);
  }
}
