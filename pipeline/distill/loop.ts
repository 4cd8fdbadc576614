/**
 * Local distillation: all descendants of one block learn in one job, each from its examples: the teacher block's
 * input-output map, or what restores the teacher's residual stream behind a compressed prefix. The descendants share
 * nothing but tensors of examples, so each trains as if alone. Block-local retraining as in LegoDNN (Han et al. 2021,
 * section 4.2), started from the closed-form refit.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { createLossLog } from '../tensor/loss-log.ts';
import { assertFlat } from '../tensor/memory.ts';
import { fail } from '../util/failure.ts';
import { createReporter } from './progress.ts';
import { stepsWithin } from './rate.ts';
import { isLookAfter, lastStep, learningRateAt, planEnd } from './schedule.ts';
import { newRun, restoreStudents, savedRun, saveRun } from './state.ts';
import * as students from './students.ts';
import type { DistilledStudent, DistillResult, DistillTask } from './task.ts';

export type { DistilledStudent, DistillResult, DistillSettings, DistillTask, Look } from './task.ts';
export type { EarlyStop } from './schedule.ts';
export type { TokenReader } from './token-batches.ts';

const stepsPerReadback = 32;
const reportSeconds = 1;

/**
 * Equal tasks with a number of steps give equal results on one engine and thread count, interrupted or not: a checkpoint
 * holds the plan, the step, the parameters, the optimiser's sums and the best weights, and the examples are a function
 * of seed and step. On abort it checkpoints and throws `signal.reason`. Leaves no tensor behind.
 *
 * @throws BlockForgeError `not-finite` with block, descendant and step.
 */
export async function distillBlock(task: DistillTask): Promise<DistillResult> {
  const { block, settings, examples } = task;
  const { width, gelu, energyPerToken } = examples;
  const ids = task.students.map(({ id }) => id);
  if (ids.length !== examples.students) {
    throw new Error(`${block}: ${ids.length} students with examples for ${examples.students}`);
  }
  const began = performance.now();
  const adam = students.adamSettings(settings);
  const losses = createLossLog();
  const reporter = createReporter(task);
  const all: students.Student[] = [];

  try {
    const saved = await task.checkpoint.load();
    const run = saved === undefined ? newRun(await stepsOf(task, began)) : savedRun(saved, settings);
    for (const [index, { id, weights }] of task.students.entries()) {
      all.push(students.start(id, weights, (parameters) => examples.errorOf(index, parameters)));
    }
    if (saved !== undefined) restoreStudents(all, saved);
    const secondsSpent = (): number => run.earlierSeconds + (performance.now() - began) / 1000;
    const save = async (): Promise<void> => task.checkpoint.save(await saveRun(run, all, secondsSpent()));
    const readLosses = (): void => {
      const first = run.step - losses.steps;
      const values = losses.drain();
      const bad = values.findIndex((loss) => !Number.isFinite(loss));
      if (bad >= 0) {
        const step = first + Math.floor(bad / ids.length) + 1;
        notFinite(block, ids[bad % ids.length], step, `the loss is ${values[bad]}`);
      }
      reporter.losses(values);
    };
    const look = async (): Promise<void> => {
      const errors: number[] = [];
      for (const [index, student] of all.entries()) {
        errors.push(
          await students.judge(student, run.step, (parameters) => examples.errorOf(index, parameters)),
        );
      }
      const bad = errors.findIndex((error) => !Number.isFinite(error));
      if (bad >= 0) notFinite(block, ids[bad], run.step, `the held-out error is ${errors[bad]}`);
      run.history.push({ step: run.step, seconds: secondsSpent(), errors });
      run.plan = planEnd(run.plan, run.history, settings);
    };
    const checkTensors = assertFlat(`the distillation of ${block}`);
    const timer = { saved: performance.now(), reported: 0 };

    const batches = examples.batches(run.step);
    try {
      while (run.step < lastStep(run.plan)) {
        await nextTurn();
        if (task.signal.aborted) {
          readLosses();
          await save();
          throw task.signal.reason;
        }

        const stepBegan = performance.now();
        const { value: batch } = await batches.next();
        const learningRate = learningRateAt(settings, run.plan, run.step);
        const count = batch[0].x.shape[0];
        losses.push(
          all.map((student, index) => {
            const unit = settings.loss === 'mse' ? width : energyPerToken[index];
            return students.step(student, batch[index], {
              lossScale: 1 / (count * unit),
              learningRate,
              gelu,
              adam,
            });
          }),
        );
        tf.dispose(batch.flatMap(({ x, target }) => [x, target]));
        run.step++;
        const now = performance.now();
        reporter.step(count, (now - stepBegan) / 1000);

        const isReport = now - timer.reported >= reportSeconds * 1000 || run.step === lastStep(run.plan);
        const isLook = isLookAfter(run.step, run.plan);
        const isSave = now - timer.saved >= (task.checkpointSeconds ?? 30) * 1000;
        if (isReport || isLook || isSave || losses.steps >= stepsPerReadback) {
          readLosses();
          checkTensors();
        }
        if (isReport) {
          task.onProgress?.(reporter.report(run.step, lastStep(run.plan)));
          timer.reported = now;
        }
        if (isLook) await look();
        if (isSave) {
          await save();
          timer.saved = performance.now();
        }
      }
    } finally {
      await batches.return(undefined as never);
    }
    return {
      students: all.map((student, index) => conclude(student, task.students[index].weights)),
      history: run.history,
      steps: { planned: run.plan.steps, made: run.step },
    };
  } finally {
    losses.dispose();
    all.forEach(students.dispose);
  }
}

function stepsOf(task: DistillTask, began: number): Promise<number> {
  const { steps } = task.settings;
  return typeof steps === 'number' ? Promise.resolve(steps) : stepsWithin(steps.seconds, began, task);
}

function conclude({ id, errorBefore, best }: students.Student, refit: FfnWeights): DistilledStudent {
  const trained = best.error < errorBefore;
  return {
    id,
    weights: trained ? best.weights : refit,
    kept: trained ? 'trained' : 'refit',
    errorBefore,
    errorAfter: best.error,
    gainOverRefit: errorBefore === best.error ? 0 : 1 - best.error / errorBefore,
    bestStep: best.step,
  };
}

function notFinite(block: string, id: string, step: number, found: string): never {
  return fail({
    reason: 'not-finite',
    subject: `distill, ${block}, ${id}`,
    found: `${found} at step ${step}`,
    expected: 'finite numbers',
    next: 'lower distill.learningRate or raise distill.warmupShare and run again',
  });
}
