import type { Event } from '../runner/contract.ts';

/** The numbers of one report of a job. */
export interface Look {
  readonly job: string;
  /** What they are drawn over: of the training, else the share that is done in ten-thousandths. A resumed job goes on where it was. */
  readonly step: number;
  /** Finite ones, by name: `loss/w0384`, `imagesPerSecond`. */
  readonly values: readonly (readonly [name: string, value: number])[];
}

/** Of a job's metrics that many at most are told: names are code's, but may be as many as there are descendants. */
const mostValues = 64;

/** What an event says in numbers; undefined where it says none. */
export function lookOf(event: Event): Look | undefined {
  if (event.type !== 'job-progress') return undefined;
  const { job, fraction, step = Math.round(fraction * 10_000), metrics = {} } = event;
  const values = Object.entries(metrics)
    .filter(([, value]) => Number.isFinite(value))
    .slice(0, mostValues)
    .map(([name, value]) => [name.replaceAll(' ', '/'), value] as const);
  return values.length === 0 ? undefined : { job, step, values };
}
