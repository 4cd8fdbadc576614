/** When a distillation looks at held-out images, when it ends, and its learning rate on the way. */
import { scheduleMultiplier } from '../tensor/schedule.ts';
import type { ModelLook, TrainingSettings } from './distill-task.ts';

/** A type, not an interface, so that it is JSON. */
export type TrainingPlan = {
  /** What the schedule is laid out for. */
  readonly steps: number;
  /** After step `from` an early stop was decided; the training ends after `end`. */
  readonly hurried: { readonly from: number; readonly end: number } | null;
};

/** Held-out images are looked at this many times, evenly spread, the last time after the last step. */
export const looks = 10;
/** Held-out images that a look needs: it is there to choose between states of one training, on the same images, again and again. */
export const lookImages = 256;

/** Steps of a hurried decay, as a share of those already made. */
const decayShare = 0.2;

export function lastStep({ steps, hurried }: TrainingPlan): number {
  return hurried?.end ?? steps;
}

export function isLookAfter(step: number, plan: TrainingPlan): boolean {
  const steps = lastStep(plan);
  return Math.floor((step * looks) / steps) > Math.floor(((step - 1) * looks) / steps);
}

/**
 * The plan after a look: unchanged, or with an early end. A constant rate has no decay to save and ends at once; a
 * cosine falls from where it is to zero within a fifth of the steps made so far.
 */
export function planEnd(
  plan: TrainingPlan,
  history: readonly Pick<ModelLook, 'step' | 'kl'>[],
  { schedule, earlyStop }: Pick<TrainingSettings, 'schedule' | 'earlyStop'>,
): TrainingPlan {
  const trained = history.filter(({ step }) => step > 0);
  const last = trained.at(-1);
  if (!earlyStop || last === undefined || plan.hurried !== null) return plan;
  const { patience, minimumGain } = earlyStop;
  if (trained.length <= patience) return plan;
  const lowest = (part: readonly Pick<ModelLook, 'kl'>[], student: number): number =>
    Math.min(...part.map(({ kl }) => kl[student]!));
  const dried = last.kl.every(
    (_, student) =>
      lowest(trained.slice(-patience), student) >=
      (1 - minimumGain) * lowest(trained.slice(0, -patience), student),
  );
  if (!dried) return plan;
  const from = last.step;
  const end = schedule === 'constant' ? from : Math.min(plan.steps, from + Math.ceil(decayShare * from));
  return { ...plan, hurried: { from, end } };
}

/** At a step, counted from 0. */
export function learningRateAt(
  { schedule, warmupShare, learningRate }: TrainingSettings,
  { steps, hurried }: TrainingPlan,
  step: number,
): number {
  const warmupSteps = Math.round(steps * warmupShare);
  const planned = (at: number) => scheduleMultiplier({ name: schedule, steps, warmupSteps }, at);
  if (hurried === null) return learningRate * planned(step);
  const { from, end } = hurried;
  const decay = scheduleMultiplier({ name: 'cosine', steps: end - from, warmupSteps: 0 }, step - from);
  return learningRate * planned(from) * decay;
}
