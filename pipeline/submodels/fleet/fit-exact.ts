import type { Fit, FitTask } from './fit.ts';

export function fitExact(_task: FitTask): Fit {
  throw new Error('not yet');
}
