import type { Event } from '../../runner/contract.ts';
import type { Json } from '../../util/hash.ts';
import type { Metric } from './client.ts';
import { keyOf } from './names.ts';

/** A summary may list every descendant: the numbers of the first. */
const mostValues = 50;

/** What a job came to, in numbers: the time it took and those of its summary, by their place in it. */
export function resultMetrics(
  { job, seconds, summary }: Extract<Event, { type: 'job-finished' }>,
  timestamp: number,
): Metric[] {
  const found: (readonly [key: string, value: number])[] = [['seconds', seconds]];
  const walk = (path: string, value: Json | undefined): void => {
    if (found.length > mostValues) return;
    if (typeof value === 'number' && Number.isFinite(value)) found.push([path, value]);
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(`${path}/${key}`, inner);
  };
  walk('summary', summary);
  return found.map(([key, value]) => ({ key: keyOf(`${job}/${key}`), value, timestamp, step: 0 }));
}
