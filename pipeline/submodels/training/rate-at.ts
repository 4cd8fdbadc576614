import { scheduleMultiplier } from '../../tensor/schedule.ts';
import type { TrainingSettings } from './schema.ts';

type RateSettings = Pick<TrainingSettings, 'learningRate' | 'warmupShare' | 'warmup' | 'floor'>;

/**
 * The learning rate of a step (from 0) of `steps`, `perEpoch` of them a pass: a linear warm-up from `warmup.from`, whose first step is above it,
 * to the rate, then along half a cosine to the floor, which the step after the last would have.
 */
export function rateAt(settings: RateSettings, steps: number, perEpoch: number, step: number): number {
  const { learningRate, warmupShare, warmup, floor } = settings;
  const warmupSteps = Math.min(steps, Math.round(warmup ? warmup.epochs * perEpoch : steps * warmupShare));
  const share = scheduleMultiplier({ name: 'cosine', steps, warmupSteps }, step);
  const from = step < warmupSteps ? (warmup?.from ?? 0) : floor;
  return from + (learningRate - from) * share;
}
