import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Event, JobId } from '../../pipeline/runner/contract.ts';

/** What happened to a job, `at` so many seconds after the run's start. */
export interface Happening {
  readonly at: number;
  readonly job: JobId;
  readonly what: 'started' | 'resumed' | 'progress' | 'ran' | 'ended';
  readonly fraction?: number | undefined;
}

/** As much of a run's log and plan as its time left follows from. */
export interface RecordedRun {
  /** Where and how it was recorded. */
  readonly about: string;
  readonly engine: string;
  readonly slots: number;
  /** From its start to its end. */
  readonly seconds: number;
  readonly jobs: readonly {
    readonly id: JobId;
    readonly stage: string;
    readonly needs: readonly JobId[];
    readonly wants: readonly JobId[];
    /** Estimated. */
    readonly seconds: number;
    readonly exclusive: boolean;
  }[];
  readonly happenings: readonly Happening[];
}

export function readRecordedRun(path: string): RecordedRun {
  return JSON.parse(gunzipSync(readFileSync(path)).toString()) as RecordedRun;
}

/**
 * Writes the longest run in a run folder down, its progress thinned: what is said between two reports counts down anyway.
 * @param jobs as they are planned now, of the run's config: a recorded run is judged by today's estimates
 */
export function recordRun(
  folder: string,
  path: string,
  about: string,
  { jobs, engine }: Pick<RecordedRun, 'jobs' | 'engine'>,
): RecordedRun {
  const all = readFileSync(join(folder, 'events.jsonl'), 'utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Event & { readonly time: string }]));
  const starts = all.flatMap(({ type }, index) => (type === 'run-started' ? [index] : []));
  const runs = starts.map((start, i) => all.slice(start, starts[i + 1]));
  const secondsOf = (events: typeof all) =>
    (Date.parse(events.at(-1)?.time ?? '') - Date.parse(events[0]?.time ?? '')) / 1000;
  const events = runs
    .filter((one) => one.at(-1)?.type === 'run-finished')
    .sort((a, b) => secondsOf(b) - secondsOf(a))[0];
  if (events === undefined) throw new Error(`no run in ${folder} has ended`);
  const begun = Date.parse(events[0]?.time ?? '');
  const seconds = secondsOf(events);
  const told = new Map<JobId, number>();
  let slots = 1;
  const happenings = events.flatMap((event): Happening[] => {
    const at = Math.round(Date.parse(event.time) - begun) / 1000;
    switch (event.type) {
      case 'job-started':
        slots = Math.max(slots, event.slot + 1);
        told.set(event.job, 0);
        return [{ at, job: event.job, what: event.resumed ? 'resumed' : 'started' }];
      case 'job-progress': {
        const { job, fraction } = event;
        if (fraction - (told.get(job) ?? 0) < 0.05 && told.has(job)) return [];
        told.set(job, fraction);
        return [{ at, job, what: 'progress', fraction: Math.round(1e4 * fraction) / 1e4 }];
      }
      case 'job-finished':
        return [{ at, job: event.job, what: 'ran' }];
      case 'job-skipped':
      case 'job-failed':
      case 'job-blocked':
        return [{ at, job: event.job, what: 'ended' }];
      default:
        return [];
    }
  });
  const planned = new Set(jobs.map(({ id }) => id));
  const unknown = happenings.find(({ job }) => !planned.has(job));
  if (unknown !== undefined) throw new Error(`${unknown.job} is not in the plan of that config`);
  const run = { about, engine, slots, seconds, jobs, happenings };
  writeFileSync(path, gzipSync(JSON.stringify(run), { level: 9 }));
  return run;
}
