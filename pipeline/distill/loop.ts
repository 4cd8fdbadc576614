/**
 * Local distillation: all descendants (students) of one block learn in one job, each from its examples: the teacher block's
 * input-output map, or what restores the teacher's residual stream behind a compressed prefix. The students share nothing
 * but tensors of examples, so each trains as if alone. Block-local retraining as in LegoDNN (Han et al. 2021, section 4.2),
 * started from the closed-form refit (docs/design.md, distillation).
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { downloadFfn } from '../model/ffn-tensors.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { createLossLog, failNotFinite, type LossLog } from '../tensor/loss-log.ts';
import { assertFlat } from '../tensor/memory.ts';
import type { AdamSettings } from '../tensor/optimizer.ts';
import type { Precision } from '../tensor/recorded/precision.ts';
import type { TrainingState } from '../tensor/training-state.ts';
import type { Examples } from './examples.ts';
import { createReporter } from './progress.ts';
import { stepsWithin } from './rate.ts';
import { studentStep } from './step.ts';
import { isLookAfter, lastStep, learningRateAt, planEnd } from './schedule.ts';
import { disposeStudent, restoreStudent, startStudent, studentArrays, type Student } from './student.ts';
import type {
  DistilledStudent,
  DistillPlan,
  DistillResult,
  DistillSettings,
  DistillTask,
  Look,
} from './task.ts';

const reportSeconds = 1;
const kernels = ['fc1Kernel', 'fc2Kernel'];

type Best = { readonly step: number; readonly error: number } | null;
/** What a checkpoint keeps beside the students' arrays. A type, not an interface, so that it is JSON. */
type Run = {
  plan: DistillPlan;
  /** Of each student's steps. */
  precisions: readonly Precision[];
  /** Steps made. */
  step: number;
  /** Spent until the last checkpoint. */
  seconds: number;
  history: readonly Look[];
};

/**
 * Equal tasks with a number of steps give equal results on one engine and thread count, interrupted or not: a checkpoint
 * holds the plan, the step, the parameters, the optimiser's sums and the best weights, and the examples are a function
 * of seed and step. On abort it checkpoints and throws `signal.reason`. Leaves no tensor behind.
 *
 * @throws BlockForgeError `not-finite` with block, descendant and step.
 */
export async function distillBlock(task: DistillTask): Promise<DistillResult> {
  const { block, settings, examples, checkpoint } = task;
  if (task.students.length !== examples.students) {
    throw new Error(`${block}: ${task.students.length} students with examples for ${examples.students}`);
  }
  const began = performance.now();
  const adam = adamSettings(settings);
  // Of the loss: squared errors per token and output, or per token in units of the teacher's energy.
  const units = examples.energyPerToken.map((energy) => (settings.loss === 'mse' ? examples.width : energy));
  const students: Student[] = [];
  const losses = createLossLog();
  const reporter = createReporter(task);
  try {
    const saved = await checkpoint.load();
    for (const [index, { id, weights }] of task.students.entries()) {
      students.push(startStudent(id, weights, (parameters) => examples.errorOf(index, parameters)));
    }
    const run = saved === undefined ? await newRun(task, students, began) : savedRun(saved, settings);
    const earlierSeconds = run.seconds;
    if (saved !== undefined) restore(students, saved);
    const save = async (): Promise<void> => {
      run.seconds = earlierSeconds + secondsSince(began);
      await checkpoint.save(await stateOf(run, students));
    };
    const checkTensors = assertFlat(`the distillation of ${block}`);
    const batches = examples.batches(run.step);
    let savedAt = performance.now();
    let reportedAt = 0;
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
        const { value: batch } = await batches.next();
        const tokens = batch[0]!.x.shape[0];
        const learningRate = learningRateAt(settings, run.plan, run.step);
        losses.push(
          students.map((student, index) => {
            const lossScale = 1 / (tokens * units[index]!);
            return studentStep(student, batch[index]!, {
              lossScale,
              learningRate,
              gelu: examples.gelu,
              adam,
              precision: run.precisions[index]!,
            });
          }),
        );
        tf.dispose(batch.flatMap(({ x, target }) => [x, target]));
        run.step++;
        const now = performance.now();
        reporter.step(tokens, (now - stepBegan) / 1000);

        // Now and then: losses from the engine, a report, a look at held-out tokens, a checkpoint.
        const isReport = now - reportedAt >= reportSeconds * 1000 || run.step === lastStep(run.plan);
        const isLook = isLookAfter(run.step, run.plan);
        const isSave = now - savedAt >= (task.checkpointSeconds ?? 30) * 1000;
        if (isReport || isLook || isSave || losses.isFull) {
          reporter.losses(readLosses(task, run, losses));
          checkTensors();
        }
        if (isReport) {
          task.onProgress?.(reporter.report(run.step, lastStep(run.plan)));
          reportedAt = now;
        }
        if (isLook) {
          const errors = await look(examples, run.step, students);
          const bad = errors.findIndex((error) => !Number.isFinite(error));
          if (bad >= 0) notFinite(block, students[bad]!.id, run.step, `the held-out error is ${errors[bad]}`);
          const seconds = earlierSeconds + secondsSince(began);
          run.history = [...run.history, { step: run.step, seconds, errors }];
          run.plan = planEnd(run.plan, run.history, settings);
        }
        if (isSave) {
          await save();
          savedAt = performance.now();
        }
      }
    } finally {
      await batches.return(undefined as never);
    }
    return {
      students: students.map((student, index) =>
        conclude(student, task.students[index]!.weights, run.precisions[index]!),
      ),
      history: run.history,
      steps: { planned: run.plan.steps, made: run.step },
    };
  } finally {
    losses.dispose();
    students.forEach(disposeStudent);
  }
}

function adamSettings({ optimizer, weightDecay }: DistillSettings): AdamSettings {
  return optimizer === 'adam' ? {} : { weightDecay, decays: (name) => kernels.includes(name) };
}

/** The losses [steps, students] that wait on the engine, all of them finite. */
function readLosses({ block, students }: DistillTask, { step }: Run, losses: LossLog): Float32Array {
  const first = step - losses.steps;
  return losses.drain((loss, place) => {
    const { id } = students[place % students.length]!;
    return notFinite(block, id, first + Math.floor(place / students.length) + 1, `the loss is ${loss}`);
  });
}

/** The held-out error of every student; a student remembers the weights that were its best. */
async function look(examples: Examples, step: number, students: readonly Student[]): Promise<number[]> {
  const errors: number[] = [];
  for (const [index, student] of students.entries()) {
    const error = examples.errorOf(index, student.parameters);
    if (error < student.best.error) {
      student.best = { step, error, weights: await downloadFfn(student.parameters) };
    }
    errors.push(error);
  }
  return errors;
}

/** The better of refit and trained. */
function conclude(
  { id, errorBefore, best }: Student,
  refit: FfnWeights,
  precision: Precision,
): DistilledStudent {
  const trained = best.error < errorBefore;
  return {
    id,
    weights: trained ? best.weights : refit,
    kept: trained ? 'trained' : 'refit',
    errorBefore,
    errorAfter: best.error,
    gainOverRefit: errorBefore === best.error ? 0 : 1 - best.error / errorBefore,
    bestStep: best.step,
    precision,
  };
}

/** Seconds become steps once: by a few steps and a look on students of their own, which are forgotten. */
async function stepsOf(task: DistillTask, precisions: readonly Precision[], began: number): Promise<number> {
  const { students, examples, settings, signal } = task;
  if (typeof settings.steps === 'number') return settings.steps;
  const trial: Student[] = [];
  const batches = examples.batches(0);
  const still = { lossScale: 1, learningRate: 0, gelu: examples.gelu, adam: adamSettings(settings) };
  try {
    for (const { id, weights } of students) trial.push(startStudent(id, weights, () => NaN));
    const step = async (): Promise<void> => {
      signal.throwIfAborted();
      const { value: batch } = await batches.next();
      const losses = trial.map((student, index) =>
        studentStep(student, batch[index]!, { ...still, precision: precisions[index]! }),
      );
      // Waits for the engine: a GPU would otherwise still be at work when the clock is read.
      tf.tidy(() => tf.stack(losses).dataSync());
      tf.dispose([losses, ...batch.map(({ x, target }) => [x, target])]);
    };
    return await stepsWithin(settings.steps.seconds, began, step, () => look(examples, 1, trial));
  } finally {
    await batches.return(undefined as never);
    trial.forEach(disposeStudent);
  }
}

async function stateOf(run: Run, students: readonly Student[]): Promise<TrainingState> {
  const arrays = await Promise.all(students.map(studentArrays));
  const best = students.map(({ best: { step, error } }) => (step === 0 ? null : { step, error }));
  return { meta: { ...run, best }, tensors: Object.assign({}, ...arrays) as Record<string, Float32Array> };
}

async function newRun(task: DistillTask, students: readonly Student[], began: number): Promise<Run> {
  const precisions = students.map(({ errorBefore: refitError }, index) => {
    const { weights } = task.students[index]!;
    return task.precisionOf?.({ weights, refitError }) ?? 'float32';
  });
  const steps = await stepsOf(task, precisions, began);
  return { plan: { steps, hurried: null }, precisions, step: 0, seconds: 0, history: [] };
}

/** @throws Error where the checkpoint is of another number of steps than the settings name. */
function savedRun({ meta }: TrainingState, { steps }: DistillSettings): Run {
  const { plan, precisions, step, seconds, history } = meta as unknown as Run;
  if (typeof steps === 'number' && plan.steps !== steps) {
    throw new Error(`checkpoint: it is of a training of ${plan.steps} steps, expected ${steps}`);
  }
  return { plan, precisions, step, seconds, history };
}

/** Puts fresh students back to where the checkpoint saw them. */
function restore(fresh: readonly Student[], { meta, tensors }: TrainingState): void {
  const { step, best } = meta as unknown as Pick<Run, 'step'> & { best: readonly Best[] };
  fresh.forEach((student, index) => restoreStudent(student, step, best[index] ?? null, tensors));
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

function notFinite(block: string, id: string, step: number, found: string): never {
  const next = 'lower distill.learningRate or raise distill.warmupShare and run again';
  return failNotFinite(`distill, ${block}, ${id}`, `${found} at step ${step}`, next);
}
