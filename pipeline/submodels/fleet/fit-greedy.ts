import type { Fit, FitTask } from './fit.ts';

export function fitGreedy(_task: FitTask): Fit {
  throw new Error('not yet');
}
