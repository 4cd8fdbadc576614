export type ScheduleName = 'cosine' | 'constant';

export interface Schedule {
  readonly name: ScheduleName;
  /** Steps of the whole training. */
  readonly steps: number;
  /** The first steps, in which the rate grows linearly to its full value; within `steps`. */
  readonly warmupSteps: number;
}

/**
 * The learning rate's multiplier at a step (0-based), in [0, 1]. Warm-up gives the first step 1 / warmupSteps, never 0;
 * `cosine` then falls along half a period, 0.5 (1 + cos(pi t)) with t = 0 at the end of the warm-up and t = 1 just
 * after the last step (Loshchilov & Hutter 2017, SGDR, section 3, without restarts).
 */
export function scheduleMultiplier({ name, steps, warmupSteps }: Schedule, step: number): number {
  if (step < warmupSteps) return (step + 1) / warmupSteps;
  if (name === 'constant') return 1;
  const done = (step - warmupSteps) / Math.max(1, steps - warmupSteps);
  return 0.5 * (1 + Math.cos(Math.PI * Math.min(1, done)));
}
