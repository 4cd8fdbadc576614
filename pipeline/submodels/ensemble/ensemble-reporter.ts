import type { TrainingProgress } from '../training/training-task.ts';
import type { EnsembleRun } from './ensemble-run.ts';

export interface EnsembleReporter {
  /** One step over `images` took `seconds`. */
  step(images: number, seconds: number): void;
  /** Losses read back from the engine. */
  losses(values: Float32Array): void;
  /** The progress since the last report; starts a new period. */
  report(): TrainingProgress;
}

/** Rates count steps alone, not the looks at held-out images. */
export function createReporter(run: EnsembleRun): EnsembleReporter {
  let images = 0;
  let seconds = 0;
  let sum = 0;
  let count = 0;
  return {
    step(stepImages, stepSeconds) {
      images += stepImages;
      seconds += stepSeconds;
    },
    losses(values) {
      values.forEach((value) => (sum += value));
      count += values.length;
    },
    report() {
      const { step, steps, history } = run;
      const last = history.at(-1);
      const metrics = {
        loss: sum / count,
        imagesPerSecond: images / seconds,
        ...(last && { heldOutTop1: last.top1 }),
      };
      images = seconds = sum = count = 0;
      return { fraction: step / steps, note: `step ${step}/${steps}`, metrics };
    },
  };
}
