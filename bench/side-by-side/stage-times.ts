import type { Event } from '../../pipeline/runner/contract.ts';

/** Seconds of a run that was not resumed, and from the first start to the last end in each of its stages. */
export function stageTimes(events: readonly (Event & { readonly time: string })[]): {
  readonly seconds: number;
  readonly stages: Readonly<Record<string, number>>;
} {
  const begun: Record<string, number> = {};
  const stages: Record<string, number> = {};
  let seconds = NaN;
  for (const event of events) {
    const at = Date.parse(event.time) / 1000;
    if (event.type === 'run-finished') seconds = event.seconds;
    if (event.type !== 'job-started' && event.type !== 'job-finished') continue;
    const stage = event.job.split('/')[0] ?? '';
    if (event.type === 'job-started') begun[stage] ??= at;
    else stages[stage] = at - (begun[stage] ?? at);
  }
  return { seconds, stages };
}
