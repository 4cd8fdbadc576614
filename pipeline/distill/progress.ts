import type { DistillProgress, DistillTask } from './task.ts';

export interface DistillReporter {
  /** One training step over `tokens` tokens took `seconds`. */
  step(tokens: number, seconds: number): void;
  /** Losses [steps, descendants] read back from the engine. */
  losses(values: Float32Array): void;
  /** The progress since the last report; starts a new period. */
  report(step: number, lastStep: number): DistillProgress;
}

/**
 * Rates count training steps only, not the looks at the held-out tokens. Per token: what the examples cost, and 5
 * products of each descendant, 2 D H operations each.
 */
export function createReporter({ students, examples }: DistillTask): DistillReporter {
  const ids = students.map(({ id }) => id);
  const hidden = students.reduce((sum, { weights }) => sum + weights.hidden, 0);
  const flopPerToken = examples.flopPerToken + 10 * examples.width * hidden;
  const sums = new Float64Array(ids.length);
  let rows = 0;
  let tokens = 0;
  let seconds = 0;
  return {
    step(stepTokens, stepSeconds) {
      tokens += stepTokens;
      seconds += stepSeconds;
    },
    losses(values) {
      values.forEach((loss, index) => (sums[index % ids.length]! += loss));
      rows += values.length / ids.length;
    },
    report(step, lastStep) {
      const tokensPerSecond = tokens / seconds;
      const metrics = {
        ...Object.fromEntries(ids.map((id, index) => [`loss ${id}`, sums[index]! / rows])),
        tokensPerSecond,
        gflopPerSecond: (tokensPerSecond * flopPerToken) / 1e9,
      };
      sums.fill(0);
      rows = tokens = seconds = 0;
      return { fraction: step / lastStep, note: `step ${step}/${lastStep}`, metrics };
    },
  };
}
