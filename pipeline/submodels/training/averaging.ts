import type { TrainingSettings } from './schema.ts';

export interface Averaging {
  /** Per step. */
  readonly decay: number;
  /** Whether the weights themselves may be what a training gives, too. */
  readonly export: 'best' | 'average';
}

/** The two ways in which a config says it, as one; undefined where nothing is averaged. */
export function averagingOf({ averaging }: Pick<TrainingSettings, 'averaging'>): Averaging | undefined {
  if (averaging === null) return undefined;
  return typeof averaging === 'number' ? { decay: averaging, export: 'best' } : averaging;
}
