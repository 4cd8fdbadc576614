/**
 * Local distillation: all descendants of one block learn the teacher block's input-output map in one job. One read of
 * the inputs and one teacher forward serve every width; the descendants share nothing else, so each trains as if alone.
 * Block-local retraining as in LegoDNN (Han et al. 2021, section 4.2), started from the closed-form refit.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { disposeFfn, uploadFfn } from '../model/ffn-tensors.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import { assertFlat } from '../tensor/memory.ts';
import type { AdamSettings } from '../tensor/optimizer.ts';
import { scheduleMultiplier } from '../tensor/schedule.ts';
import type { TrainingState } from '../tensor/training-state.ts';
import { fail } from '../util/failure.ts';
import { ffnOutput } from './distill-loss.ts';
import { createReporter } from './distill-progress.ts';
import * as students from './distill-students.ts';
import type { DistilledStudent, DistillResult, DistillSettings, DistillTask, Look } from './distill-task.ts';
import { prepareHeldOut, type HeldOut } from './held-out-error.ts';
import { createLossLog } from '../tensor/loss-log.ts';
import { tokenBatches } from './token-batches.ts';

export type { DistilledStudent, DistillResult, DistillSettings, DistillTask } from './distill-task.ts';
export type { TokenReader } from './token-batches.ts';

/** The held-out error is looked at this many times, evenly spread, the last time after the last step. */
const looks = 10;
const stepsPerReadback = 32;
const reportSeconds = 1;

/**
 * Equal tasks give equal results on one engine and thread count, interrupted or not: a checkpoint holds the step, the
 * parameters, the optimiser's sums and the best weights, and the data's order is a function of seed and step. On abort
 * it checkpoints and throws `signal.reason`. Leaves no tensor behind.
 *
 * @throws BlockForgeError `not-finite` with block, descendant and step.
 */
export async function distillBlock(task: DistillTask): Promise<DistillResult> {
  const { block, settings, gelu } = task;
  const { steps, batchTokens } = settings;
  const width = task.teacher.width;
  const ids = task.students.map(({ id }) => id);
  const hidden = task.students.map(({ weights }) => weights.hidden);
  const adam = adamSettings(settings);
  const losses = createLossLog();
  const reporter = createReporter(ids, steps, width, task.teacher.hidden, hidden);
  const teacher = uploadFfn(task.teacher);
  const all: students.Student[] = [];
  let heldOut: HeldOut | undefined;
  let step = 0;

  const readLosses = (): void => {
    const first = step - losses.steps;
    const values = losses.drain();
    const bad = values.findIndex((loss) => !Number.isFinite(loss));
    if (bad >= 0) {
      notFinite(
        block,
        ids[bad % ids.length],
        first + Math.floor(bad / ids.length) + 1,
        `the loss is ${values[bad]}`,
      );
    }
    reporter.losses(values);
  };

  try {
    heldOut = prepareHeldOut(task.heldOut, teacher, gelu, batchTokens);
    const { errorOf, energyPerToken } = heldOut;
    for (const { id, weights } of task.students) all.push(students.start(id, weights, errorOf));
    const resumed = resume(all, steps, await task.checkpoint.load());
    const { history } = resumed;
    step = resumed.step;
    const errorUnit = settings.loss === 'mse' ? width : energyPerToken;
    const checkTensors = assertFlat(`the distillation of ${block}`);
    const timer = { saved: performance.now(), reported: 0 };

    const batches = tokenBatches(task.tokens, { batchTokens, seed: task.seed, firstStep: step });
    try {
      while (step < steps) {
        const { value: rows } = await batches.next();
        await nextTurn();
        if (task.signal.aborted) {
          readLosses();
          await task.checkpoint.save(await stateOf(all, step, history));
          throw task.signal.reason;
        }

        const began = performance.now();
        const count = rows.length / width;
        const batch: students.Batch = {
          x: tf.tensor2d(rows, [count, width]),
          lossScale: 1 / (count * errorUnit),
          learningRate: learningRateAt(settings, step),
        };
        const target = ffnOutput(batch.x, teacher, gelu);
        losses.push(all.map((student) => students.step(student, batch, target, gelu, adam)));
        tf.dispose([batch.x, target]);
        step++;
        const now = performance.now();
        reporter.step(count, (now - began) / 1000);

        const isReport = now - timer.reported >= reportSeconds * 1000 || step === steps;
        const isLook = isLookAfter(step, steps);
        const isSave = now - timer.saved >= (task.checkpointSeconds ?? 30) * 1000;
        if (isReport || isLook || isSave || losses.steps >= stepsPerReadback) {
          readLosses();
          checkTensors();
        }
        if (isReport) {
          task.onProgress?.(reporter.report(step));
          timer.reported = now;
        }
        if (isLook) {
          const errors: number[] = [];
          for (const student of all) errors.push(await students.judge(student, step, errorOf));
          const bad = errors.findIndex((error) => !Number.isFinite(error));
          if (bad >= 0) notFinite(block, ids[bad], step, `the held-out error is ${errors[bad]}`);
          history.push({ step, errors });
        }
        if (isSave) {
          await task.checkpoint.save(await stateOf(all, step, history));
          timer.saved = performance.now();
        }
      }
    } finally {
      await batches.return(undefined as never);
    }
    return {
      students: all.map((student, index) => conclude(student, task.students[index].weights)),
      history,
    };
  } finally {
    losses.dispose();
    all.forEach(students.dispose);
    heldOut?.dispose();
    disposeFfn(teacher);
  }
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

function learningRateAt(
  { schedule, steps, warmupShare, learningRate }: DistillSettings,
  step: number,
): number {
  const warmupSteps = Math.round(steps * warmupShare);
  return learningRate * scheduleMultiplier({ name: schedule, steps, warmupSteps }, step);
}

function adamSettings({ optimizer, weightDecay }: DistillSettings): AdamSettings {
  if (optimizer === 'adam') return {};
  return { weightDecay, decays: (name) => name === 'fc1Kernel' || name === 'fc2Kernel' };
}

function isLookAfter(step: number, steps: number): boolean {
  return Math.floor((step * looks) / steps) > Math.floor(((step - 1) * looks) / steps);
}

async function stateOf(
  all: readonly students.Student[],
  step: number,
  history: readonly Look[],
): Promise<TrainingState> {
  const arrays = await Promise.all(all.map(students.exportArrays));
  return {
    meta: {
      step,
      history: history.map((look) => ({ ...look })),
      best: all.map(({ best }) => (best.step === 0 ? null : { step: best.step, error: best.error })),
    },
    tensors: Object.assign({}, ...arrays) as Record<string, Float32Array>,
  };
}

function resume(
  all: readonly students.Student[],
  steps: number,
  state: TrainingState | undefined,
): { step: number; history: Look[] } {
  if (state === undefined) return { step: 0, history: [] };
  const { step, history, best } = state.meta as unknown as {
    step: number;
    history: Look[];
    best: ({ step: number; error: number } | null)[];
  };
  if (step > steps) throw new Error(`checkpoint: it is at step ${step} of a training of ${steps}`);
  all.forEach((student, index) => students.restore(student, step, best[index], state.tensors));
  return { step, history: [...history] };
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
