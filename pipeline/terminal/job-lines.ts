import type { Event, JobId, JobProgress } from '../runner/contract.ts';
import { formatBytes, formatDuration } from '../util/format.ts';
import type { Json } from '../util/hash.ts';
import { oneLine } from '../util/printable.ts';
import { formatMetric } from './numbers.ts';
import type { Paint } from './terminal.ts';
import { displayWidth } from './width.ts';

type Progress = Extract<Event, { type: 'job-progress' }>;

/** The line an event leaves behind for good; undefined for progress and for what `gatherJobs` takes. */
export function eventLine(event: Event, paint: Paint): string | undefined {
  switch (event.type) {
    case 'run-started':
      return [
        `${event.run} in ${event.folder}: ${event.jobs} jobs, engine ${event.engine}`,
        ...(event.notes ?? []).map((note) => `${paint.yellow('note')}     ${oneLine(note)}`),
      ].join('\n');
    case 'job-started':
      return event.resumed
        ? `${paint.cyan('resumed')}  ${event.job}`
        : `${paint.dim('started')}  ${event.job}`;
    case 'job-warning':
      return `${paint.yellow('warning')}  ${event.job}: ${oneLine(event.message)}`;
    case 'job-finished':
      return `${paint.green('done')}     ${withParts(event.job, [formatDuration(event.seconds), ...summaryParts(event.summary)])}`;
    case 'job-failed':
      return `${paint.red('failed')}   ${event.job}  ${formatDuration(event.seconds)}  ${oneLine(event.failure.subject)}: ${firstLine(event.failure.found)}`;
    case 'job-retried':
      return `${paint.yellow('again')}    ${event.job}  ${retryText(event)}`;
    case 'job-interrupted':
      return `${paint.yellow('stopped')}  ${event.job}`;
    case 'job-skipped':
    case 'job-blocked':
    case 'job-progress':
    case 'run-finished':
      return undefined;
  }
}

/**
 * Gathers what comes in dozens, jobs that are fresh or blocked, into one line each. `add` takes such an event and
 * answers whether it did; `flush` gives the line of what was gathered so far.
 */
export function gatherJobs(paint: Paint): { add(event: Event): boolean; flush(): string[] } {
  let fresh: JobId[] = [];
  let blocked: JobId[] = [];
  return {
    add(event) {
      if (event.type === 'job-skipped') fresh.push(event.job);
      else if (event.type === 'job-blocked') blocked.push(event.job);
      else return false;
      return true;
    },
    flush() {
      const lines = [
        ...(fresh.length > 0 ? [`${paint.dim('fresh')}    ${countJobs(fresh)}`] : []),
        ...(blocked.length > 0 ? [`${paint.yellow('blocked')}  ${countJobs(blocked)}`] : []),
      ];
      fresh = [];
      blocked = [];
      return lines;
    },
  };
}

/** "14 jobs: data 1, order 12, rank 1"; one job by its name. */
export function countJobs(jobs: readonly JobId[]): string {
  if (jobs.length === 1) return jobs[0]!;
  const byStage = new Map<string, number>();
  for (const job of jobs) byStage.set(stageOf(job), (byStage.get(stageOf(job)) ?? 0) + 1);
  return `${jobs.length} jobs: ${[...byStage].map(([stage, count]) => `${stage} ${count}`).join(', ')}`;
}

/**
 * "epoch 3/10, loss 0.012, 310 images/s, 2 min 05 s left, 1.20 GB"; where that is too wide, without memory, then without the last
 * of the metrics.
 */
export function progressText(
  { fraction, note, metrics = {}, secondsLeft, rssBytes }: Progress,
  columns = Infinity,
): string {
  const before = note === undefined ? [] : [note];
  const named = Object.entries(metrics).map(([name, value]) => formatNamed(name, value));
  const left = secondsLeft === undefined || fraction >= 1 ? [] : [`${formatDuration(secondsLeft)} left`];
  const whole = [...before, ...named, ...left, formatBytes(rssBytes)].join(', ');
  if (displayWidth(whole) <= columns) return whole;
  const shorter = named.map((_, dropped) =>
    [...before, ...named.slice(0, named.length - dropped), ...left].join(', '),
  );
  const shortest = [...before, ...left].join(', ');
  return [...shorter, shortest, ...left].find((text) => displayWidth(text) <= columns) ?? shortest;
}

export function percentDone({ fraction }: Pick<JobProgress, 'fraction'>): string {
  return `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)} %`.padStart(5);
}

export function stageOf(job: JobId): string {
  return job.split('/')[0]!;
}

/** `imagesPerSecond: 310` reads "310 images/s", `loss: 0.012` reads "loss 0.012". */
function formatNamed(name: string, value: number): string {
  const rate = /^(\w+)PerSecond$/.exec(name)?.[1];
  return rate === undefined ? `${name} ${formatMetric(value)}` : `${formatMetric(value)} ${rate}/s`;
}

/** "its process died (SIGKILL) after 3.0 s; try 2 in 10 s" */
export function retryText({
  attempt,
  waitSeconds,
  failure,
}: Extract<Event, { type: 'job-retried' }>): string {
  return `${oneLine(firstLine(failure.found))}; try ${attempt + 1} in ${formatDuration(waitSeconds)}`;
}

/** The plain members of a stage's summary; lists belong to the library, not to one line. */
function summaryParts(summary: Json): string[] {
  if (summary === null || typeof summary !== 'object' || Array.isArray(summary)) return [];
  return Object.entries(summary)
    .flatMap(([name, value]) => {
      if (typeof value === 'number') return [`${name} ${formatMetric(value)}`];
      return typeof value === 'string' ? [`${name} ${value}`] : [];
    })
    .slice(0, 6);
}

function withParts(job: JobId, [time, ...rest]: readonly string[]): string {
  return rest.length === 0 ? `${job}  ${time}` : `${job}  ${time}  (${rest.join(', ')})`;
}

function firstLine(text: string): string {
  return text.split('\n')[0]!;
}
