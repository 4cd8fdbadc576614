import type { Event, JobId } from '../runner/contract.ts';

const quietMs = 10_000;
const patienceMs = 60_000;
const stride = 0.25;

/**
 * Which progress is worth a line that stays: of a job at most one every 10 s, and only when it has got a quarter further or a
 * minute has passed. A job of a few seconds shows none.
 */
export function rareProgress(now: () => number = () => performance.now()): (event: Event) => boolean {
  const shown = new Map<JobId, { readonly at: number; readonly fraction: number }>();
  return (event) => {
    // The first quiet time counts from the start.
    if (event.type === 'job-started') shown.set(event.job, { at: now(), fraction: 0 });
    if (event.type !== 'job-progress') return true;
    const { at, fraction } = shown.get(event.job) ?? { at: -Infinity, fraction: 0 };
    const waited = now() - at;
    if (waited < quietMs || (waited < patienceMs && event.fraction - fraction < stride)) return false;
    shown.set(event.job, { at: now(), fraction: event.fraction });
    return true;
  };
}
