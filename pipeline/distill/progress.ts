import type { TrainingProgress } from '../tensor/training-progress.ts';

export interface TrainingReporter {
  /** One training step over `images` images took `seconds`. */
  step(images: number, seconds: number): void;
  /** Losses [steps, students] read back from the engine. */
  losses(values: Float32Array): void;
  /** The progress since the last report; starts a new period. */
  report(step: number, lastStep: number): TrainingProgress;
}

/** Rates count training steps only, not the looks at held-out images. `macs`: of a step of `images` images (`stepMacs`). */
export function createReporter(
  ids: readonly string[],
  { macs, images: perStep }: { readonly macs: number; readonly images: number },
): TrainingReporter {
  const sums = new Float64Array(ids.length);
  let rows = 0;
  let images = 0;
  let seconds = 0;
  return {
    step(stepImages, stepSeconds) {
      images += stepImages;
      seconds += stepSeconds;
    },
    losses(values) {
      values.forEach((loss, index) => (sums[index % ids.length]! += loss));
      rows += values.length / ids.length;
    },
    report(step, lastStep) {
      const imagesPerSecond = images / seconds;
      const metrics = {
        ...Object.fromEntries(ids.map((id, index) => [`loss ${id}`, sums[index]! / rows])),
        imagesPerSecond,
        gflopPerSecond: (2 * macs * imagesPerSecond) / perStep / 1e9,
      };
      sums.fill(0);
      rows = images = seconds = 0;
      return { fraction: step / lastStep, note: `step ${step}/${lastStep}`, step, metrics };
    },
  };
}
