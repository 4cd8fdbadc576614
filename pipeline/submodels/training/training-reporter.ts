import type { TrainingProgress } from '../../tensor/training-progress.ts';

export interface TrainingReporter {
  /** One step over `images` took `seconds`. */
  step(images: number, seconds: number): void;
  /** Losses read back from the engine. */
  losses(values: Float32Array): void;
  /** The progress since the last report; starts a new period. */
  report(): TrainingProgress;
}

/** Rates count steps alone, not the looks at held-out images. @param found what the last of these came to */
export function createReporter(
  run: { readonly step: number; readonly steps: number },
  found: () => Readonly<Record<string, number>>,
): TrainingReporter {
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
      const { step, steps } = run;
      const metrics = { loss: sum / count, imagesPerSecond: images / seconds, ...found() };
      images = seconds = sum = count = 0;
      return { fraction: step / steps, note: `step ${step}/${steps}`, step, metrics };
    },
  };
}
