import { setImmediate as nextTurn } from 'node:timers/promises';
import type * as tf from '@tensorflow/tfjs-core';
import { isLookAfter } from '../../distill/schedule.ts';
import { createLossLog } from '../../tensor/loss-log.ts';
import { assertFlat } from '../../tensor/memory.ts';
import { createReporter } from './training-reporter.ts';
import type { TrainingProgress } from '../../tensor/training-progress.ts';

/** What every training here knows of itself between two steps. */
export interface LoopRun {
  readonly steps: number;
  readonly step: number;
  /** Of earlier sittings. */
  seconds: number;
  /** Of the steps since the last look: the losses that were read back, in their order. */
  losses: { readonly sum: number; readonly steps: number };
  /** Undefined before the first look. */
  readonly best: unknown;
}

export interface TrainingLoop<Batch extends { readonly count: number }> {
  /** For messages: "the training of two-00". */
  readonly name: string;
  readonly run: LoopRun;
  /** When the sitting began, by `performance.now()`. */
  readonly began: number;
  /** From the run's step on. */
  readonly batches: AsyncGenerator<Batch, void>;
  readonly signal: AbortSignal;
  /** Seconds between checkpoints; default 30. */
  readonly checkpointSeconds?: number | undefined;
  readonly onProgress?: ((progress: TrainingProgress) => void) | undefined;
  /** Moves the run by one step. Takes over the batch; the loss is the loop's. */
  step(batch: Batch): tf.Scalar;
  /** Looks at the held-out images. @param seconds since the training began */
  look(seconds: number): Promise<void>;
  /** What the last look found, for the progress. */
  found(): Readonly<Record<string, number>>;
  /** Keeps the run as it is. */
  save(): Promise<void>;
  /** Ends a training in words. */
  fail(found: string, step: number): never;
}

const reportSeconds = 1;

/**
 * Makes the steps that are left. Now and then, losses are read from the engine, held-out images are looked at, progress is told and
 * a checkpoint is kept. On abort it keeps one and throws `signal.reason`. Ends the batches.
 * @throws what `fail` throws, with the step, where a loss is not finite
 */
export async function trainingLoop<Batch extends { readonly count: number }>(
  loop: TrainingLoop<Batch>,
): Promise<void> {
  const { run, batches, signal, began } = loop;
  const { steps } = run;
  const waiting = createLossLog();
  const reporter = createReporter(run, () => loop.found());
  const checkTensors = assertFlat(loop.name);
  const earlier = run.seconds;
  const seconds = (): number => earlier + (performance.now() - began) / 1000;
  const save = async (): Promise<void> => {
    run.seconds = seconds();
    await loop.save();
  };
  const readLosses = (): void => {
    const first = run.step - waiting.steps + 1;
    const values = waiting.drain((loss, place) => loop.fail(`the loss is ${loss}`, first + place));
    for (const value of values) run.losses = { sum: run.losses.sum + value, steps: run.losses.steps + 1 };
    reporter.losses(values);
  };
  let savedAt = performance.now();
  let reportedAt = savedAt;
  try {
    if (run.best === undefined) await loop.look(seconds());
    while (run.step < steps) {
      await nextTurn();
      if (signal.aborted) {
        readLosses();
        await save();
        throw signal.reason;
      }
      const stepBegan = performance.now();
      const { value: batch } = await batches.next();
      if (batch === undefined) throw new Error(`${loop.name}: batches end before the steps do`);
      const { count } = batch;
      waiting.push([loop.step(batch)]);
      const now = performance.now();
      reporter.step(count, (now - stepBegan) / 1000);

      const isLook = isLookAfter(run.step, { steps, hurried: null });
      const isReport = now - reportedAt >= reportSeconds * 1000 || run.step === steps;
      const isSave = now - savedAt >= (loop.checkpointSeconds ?? 30) * 1000;
      if (isLook || isReport || isSave || waiting.isFull) {
        readLosses();
        checkTensors();
      }
      if (isLook) await loop.look(seconds());
      if (isReport) {
        loop.onProgress?.(reporter.report());
        reportedAt = now;
      }
      if (isSave) {
        await save();
        savedAt = performance.now();
      }
    }
  } finally {
    await batches.return();
    waiting.dispose();
  }
}
