/**
 * Distillation of whole students, all blocks at once: a step takes fresh images, runs the teacher once and every student once, and
 * updates all its FFN blocks (docs/design.md, distillation; the loss is `stream-loss.ts`'s). The students share nothing but the
 * teacher's features, so each trains as if alone.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { blockWidth } from '../model/architecture.ts';
import { createLossLog, failNotFinite, type LossLog } from '../tensor/loss-log.ts';
import { assertFlat } from '../tensor/memory.ts';
import type { AdamSettings } from '../tensor/optimizer.ts';
import type { ModelLook, TrainingResult, TrainingTask } from './distill-task.ts';
import { measureEnergies } from './energies.ts';
import { lookAt } from './look.ts';
import { createReporter } from './progress.ts';
import { stepsWithin } from './rate.ts';
import { isLookAfter, lastStep, learningRateAt, planEnd } from './schedule.ts';
import { studentStep } from './step.ts';
import { stepMacs } from './step-macs.ts';
import { disposeStudent, downloadFfns, ffnsOf, startStudent, type Student } from './student.ts';
import { featureList, teacherFeatures, type TeacherFeatures } from './teacher-features.ts';
import { trainedStudent } from './trained-student.ts';
import { restoreRun, stateOf, type TrainingRun } from './training-run.ts';

const reportSeconds = 1;
/** Saving may take this share of a training's time: whole models and their moments are written. */
const savingShare = 0.03;
/** Of the gradient of all blocks together. A training on the teacher's inputs alone is many trainings, and has none. */
const clipNorm = 1;

/**
 * Equal tasks with a number of steps give equal results on one engine and thread count, interrupted or not: a checkpoint
 * holds the plan, the energies, the step, the parameters, the optimiser's sums and the best weights, and batches are a function of
 * the step. On abort it checkpoints and throws `signal.reason`. Leaves no tensor behind.
 *
 * @throws BlockForgeError `not-finite` with subject, student and step.
 */
export async function distillStudents(task: TrainingTask): Promise<TrainingResult> {
  const { subject, settings, checkpoint, model } = task;
  checkTask(task);
  const began = performance.now();
  const students: Student[] = [];
  const losses = createLossLog();
  try {
    const saved = await checkpoint.load();
    for (const student of task.students) students.push(startStudent(student));
    const run =
      saved === undefined ? await newRun(task, students, began) : restoreRun(saved, students, settings);
    const earlierSeconds = run.seconds;
    const seconds = (): number => earlierSeconds + secondsSince(began);
    let savedAt = performance.now();
    let savingSeconds = 0;
    const save = async (): Promise<void> => {
      const start = performance.now();
      run.seconds = seconds();
      await checkpoint.save(await stateOf(run, students));
      savedAt = performance.now();
      savingSeconds = secondsSince(start);
    };
    const checkTensors = assertFlat(`the distillation of ${subject}`);
    let reporter: ReturnType<typeof createReporter> | undefined;
    let reportedAt = 0;
    const batches = task.batches(run.step)[Symbol.asyncIterator]();
    try {
      while (run.step < lastStep(run.plan)) {
        await nextTurn();
        if (task.signal.aborted) {
          readLosses(task, run, losses);
          await save();
          throw task.signal.reason;
        }

        // A step: one batch, one update of every student.
        const stepBegan = performance.now();
        const learningRate = learningRateAt(settings, run.plan, run.step);
        const images = trainOn(await nextBatch(batches), task, run, students, learningRate, losses);
        run.step++;
        reporter ??= createReporter(
          students.map(({ id }) => id),
          { images, macs: stepMacs({ ...partsOf(task, images), ...settings, ...sizesOf(task) }) },
        );
        const now = performance.now();
        reporter.step(images, (now - stepBegan) / 1000);

        // Now and then: losses from the engine, a report, a look at held-out images, a checkpoint.
        const isReport = now - reportedAt >= reportSeconds * 1000 || run.step === lastStep(run.plan);
        const isLook = isLookAfter(run.step, run.plan);
        const gap = Math.max(task.checkpointSeconds ?? 30, savingSeconds / savingShare);
        const isSave = now - savedAt >= gap * 1000;
        if (isReport || isLook || isSave || losses.isFull) {
          reporter.losses(readLosses(task, run, losses));
          checkTensors();
        }
        if (isReport) {
          task.onProgress?.(reporter.report(run.step, lastStep(run.plan)));
          reportedAt = now;
        }
        if (isLook) {
          await look(task, run, students, seconds);
          run.plan = planEnd(run.plan, run.history, settings);
        }
        if (isSave) await save();
      }
    } finally {
      await batches.return?.();
    }
    return {
      students: students.map((student, index) =>
        trainedStudent(task.students[index]!, index, student.best, run),
      ),
      history: run.history,
      steps: { planned: run.plan.steps, made: run.step },
    };
  } finally {
    losses.dispose();
    students.forEach(disposeStudent);
  }

  function checkTask({ students, composedShare }: TrainingTask): void {
    const { depth } = model.architecture;
    for (const { id, ffns } of students) {
      if (ffns.length !== depth)
        throw new Error(`${subject}, ${id}: ${ffns.length} blocks for ${depth} layers`);
    }
    if (!(composedShare >= 0 && composedShare <= 1)) {
      throw new RangeError(`composedShare is ${composedShare}, expected 0 to 1`);
    }
  }
}

/** Takes over the pixels; the losses are pushed onto the log. Returns the number of images. */
function trainOn(
  pixels: tf.Tensor4D,
  task: TrainingTask,
  run: Pick<TrainingRun, 'energies' | 'precisions'>,
  students: readonly Student[],
  learningRate: number,
  losses: Pick<LossLog, 'push'>,
): number {
  const { model, settings } = task;
  const images = pixels.shape[0];
  const shares = partsOf(task, images);
  const features = teacherFeatures(model, pixels, shares);
  pixels.dispose();
  try {
    const units = settings.loss === 'mse' ? undefined : run.energies.stream;
    const blockScales = run.energies.stream.map(
      (_, block) =>
        1 /
        (images *
          tokensOf(features, block, shares.given) *
          (units?.[block] ?? blockWidth(model.architecture, block))),
    );
    const step = {
      shares,
      blockScales,
      lookahead: settings.lookahead,
      divergenceScale: shares.own > 0 ? settings.klWeight / images : 0,
      learningRate,
      adam: adamSettings(task),
    };
    losses.push(
      students.map((student, index) =>
        studentStep(student, model, features, { ...step, precision: run.precisions[index] }),
      ),
    );
  } finally {
    tf.dispose(featureList(features));
  }
  return images;
}

/** How many of a batch's images are the student's own: at least one where any shall be. */
function partsOf({ composedShare }: TrainingTask, images: number): { own: number; given: number } {
  const own = Math.min(images, Math.max(composedShare > 0 ? 1 : 0, Math.round(composedShare * images)));
  return { own, given: images - own };
}

/** Of an image at a block. */
function tokensOf({ own, given }: TeacherFeatures, block: number, images: number): number {
  return own === undefined ? given[block]!.input.shape[0] / images : own.after[block]!.shape[1]!;
}

function sizesOf({ model, students }: TrainingTask) {
  const hiddens = students.map(({ ffns }) => ffns.map(({ hidden }) => hidden));
  return { architecture: model.architecture, hiddens };
}

function adamSettings({ settings: { optimizer, weightDecay }, composedShare }: TrainingTask): AdamSettings {
  return {
    ...(composedShare > 0 && { clipNorm }),
    ...(optimizer === 'adamw' && { weightDecay, decays: (name: string) => name.endsWith('Kernel') }),
  };
}

async function nextBatch(batches: AsyncIterator<tf.Tensor4D>): Promise<tf.Tensor4D> {
  const next = await batches.next();
  if (next.done === true) throw new Error('the batches of a training end');
  return next.value;
}

/** The losses [steps, students] that wait on the engine, all of them finite; summed up in the run. */
function readLosses({ subject, students }: TrainingTask, run: TrainingRun, losses: LossLog): Float32Array {
  const first = run.step - losses.steps;
  const values = losses.drain((loss, place) => {
    const { id } = students[place % students.length]!;
    const step = first + Math.floor(place / students.length) + 1;
    return notFinite(subject, id, step, `the loss is ${loss}`);
  });
  const sums = [...run.lossSums];
  values.forEach((loss, place) => (sums[place % students.length]! += loss));
  run.lossSums = sums;
  return values;
}

/** Adds a look to the run's history; a student remembers the weights that were its best. */
async function look(
  { subject, model, heldOut }: TrainingTask,
  run: Omit<TrainingRun, 'plan' | 'precisions'>,
  students: readonly Student[],
  seconds: () => number,
): Promise<ModelLook> {
  const models = students.map(({ parameters }) => ffnsOf(parameters));
  const seen = await lookAt(model, models, run.energies.output, heldOut());
  const bad = seen.kl.findIndex((kl) => !Number.isFinite(kl));
  if (bad >= 0) notFinite(subject, students[bad]!.id, run.step, `the held-out KL is ${seen.kl[bad]}`);
  const before = run.history.at(-1)?.step;
  const losses = run.lossSums.map((sum) => sum / (run.step - (before ?? 0)));
  const found = { step: run.step, seconds: seconds(), ...seen, ...(before !== undefined && { losses }) };
  if (run.step > 0) {
    for (const [index, student] of students.entries()) {
      const lowest = run.history.filter(({ step }) => step > 0).map(({ kl }) => kl[index]!);
      if (seen.kl[index]! < Math.min(Infinity, ...lowest)) {
        student.best = { step: run.step, ffns: await downloadFfns(student) };
      }
    }
  }
  run.history = [...run.history, found];
  run.lossSums = students.map(() => 0);
  return found;
}

/** Looks at the refits, chooses precisions and, where a time is given, the number of steps. */
async function newRun(task: TrainingTask, students: Student[], began: number): Promise<TrainingRun> {
  const energies = await measureEnergies(task.model, task.heldOut());
  const start = { energies, step: 0, seconds: 0, history: [], lossSums: students.map(() => 0) };
  const refits = await look(task, start, students, () => secondsSince(began));
  const precisions = task.students.map(
    (student, index) =>
      task.precisionOf?.({ ...student, refitError: Math.min(...refits.errors[index]!) }) ?? 'float32',
  );
  const run = { ...start, history: [refits], precisions, plan: { steps: 0, hurried: null } };
  const steps = await stepsOf(task, run, students, began);
  return { ...run, plan: { steps, hurried: null } };
}

/** Seconds become steps once: by a few steps at no learning rate, of which nothing stays. */
async function stepsOf(
  task: TrainingTask,
  run: Pick<TrainingRun, 'energies' | 'precisions'>,
  students: Student[],
  began: number,
): Promise<number> {
  const { settings, signal, model, heldOut } = task;
  if (typeof settings.steps === 'number') return settings.steps;
  const losses = createLossLog();
  const batches = task.batches(0)[Symbol.asyncIterator]();
  const step = async (): Promise<void> => {
    signal.throwIfAborted();
    trainOn(await nextBatch(batches), task, run, students, 0, losses);
    // Waits for the engine: a GPU would otherwise still be at work when the clock is read. What is not finite shows in the training.
    losses.drain(() => notFinite(task.subject, 'a student', 1, 'the loss is not finite'));
  };
  try {
    return await stepsWithin(settings.steps.seconds, began, step, () => {
      const models = students.map(({ parameters }) => ffnsOf(parameters));
      return lookAt(model, models, run.energies.output, heldOut());
    });
  } finally {
    losses.dispose();
    await batches.return?.();
    students.forEach(disposeStudent);
    students.splice(0, students.length, ...task.students.map(startStudent));
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

function notFinite(subject: string, id: string, step: number, found: string): never {
  const next = 'lower distill.learningRate or raise distill.warmupShare and run again';
  return failNotFinite(`${subject}, ${id}`, `${found} at step ${step}`, next);
}
