/** When a distillation looks at held-out tokens, when it ends, and its learning rate on the way. */
import { scheduleMultiplier } from '../tensor/schedule.ts';
import type { DistillPlan, DistillSettings, Look } from './task.ts';

/** The held-out error is looked at this many times, evenly spread, the last time after the last step. */
export const looks = 10;

/** Steps of a hurried decay, as a share of those already made. */
const decayShare = 0.2;

export function lastStep({ steps, hurried }: DistillPlan): number {
  return hurried?.end ?? steps;
}

export function isLookAfter(step: number, plan: DistillPlan): boolean {
  const steps = lastStep(plan);
  return Math.floor((step * looks) / steps) > Math.floor(((step - 1) * looks) / steps);
}

/**
 * The plan after a look: unchanged, or with an early end. A constant rate has no decay to save and ends at once; a
 * cosine falls from where it is to zero within a fifth of the steps made so far.
 */
export function planEnd(
  plan: DistillPlan,
  history: readonly Look[],
  { schedule, earlyStop }: Pick<DistillSettings, 'schedule' | 'earlyStop'>,
): DistillPlan {
  const last = history.at(-1);
  if (!earlyStop || last === undefined || plan.hurried !== null) return plan;
  const { patience, minimumGain } = earlyStop;
  if (history.length <= patience) return plan;
  const lowest = (part: readonly Look[], student: number): number =>
    Math.min(...part.map(({ errors }) => errors[student]!));
  const dried = last.errors.every(
    (_, student) =>
      lowest(history.slice(-patience), student) >=
      (1 - minimumGain) * lowest(history.slice(0, -patience), student),
  );
  if (!dried) return plan;
  const from = last.step;
  const end = schedule === 'constant' ? from : Math.min(plan.steps, from + Math.ceil(decayShare * from));
  return { ...plan, hurried: { from, end } };
}

/** At a step, counted from 0. */
export function learningRateAt(
  { schedule, warmupShare, learningRate }: DistillSettings,
  { steps, hurried }: DistillPlan,
  step: number,
): number {
  const warmupSteps = Math.round(steps * warmupShare);
  const planned = (at: number) => scheduleMultiplier({ name: schedule, steps, warmupSteps }, at);
  if (hurried === null) return learningRate * planned(step);
  const { from, end } = hurried;
  const decay = scheduleMultiplier({ name: 'cosine', steps: end - from, warmupSteps: 0 }, step - from);
  return learningRate * planned(from) * decay;
}
