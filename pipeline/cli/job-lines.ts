import type { Event, JobId, JobProgress } from '../runner/contract.ts';
import { formatBytes, formatDuration } from '../util/format.ts';
import type { Json } from '../util/hash.ts';
import { formatMetric } from './numbers.ts';
import type { Paint } from './terminal.ts';

type Progress = Extract<Event, { type: 'job-progress' }>;

/** The line an event leaves behind for good, or undefined if it leaves none. */
export function eventLine(event: Event, paint: Paint): string | undefined {
  switch (event.type) {
    case 'run-started':
      return `${event.run} in ${event.folder}: ${event.jobs} jobs, engine ${event.engine}`;
    case 'job-started':
      return event.resumed
        ? `${paint.cyan('resumed')}  ${event.job}`
        : `${paint.dim('started')}  ${event.job}`;
    case 'job-warning':
      return `${paint.yellow('warning')}  ${event.job}: ${event.message}`;
    case 'job-finished':
      return `${paint.green('done')}     ${withParts(event.job, [formatDuration(event.seconds), ...summaryParts(event.summary)])}`;
    case 'job-failed':
      return `${paint.red('failed')}   ${event.job}  ${formatDuration(event.seconds)}  ${event.failure.subject}: ${firstLine(event.failure.found)}`;
    case 'job-blocked':
      return `${paint.yellow('blocked')}  ${event.job}  by ${event.by.join(', ')}`;
    case 'job-interrupted':
      return `${paint.yellow('stopped')}  ${event.job}`;
    case 'job-skipped':
    case 'job-progress':
    case 'run-finished':
      return undefined;
  }
}

/** "fresh    14 jobs: data 1, order 12, ...": done before, in as few words as possible. */
export function freshLine(jobs: readonly JobId[], paint: Paint): string {
  if (jobs.length === 1) return `${paint.dim('fresh')}    ${jobs[0]}`;
  const byStage = new Map<string, number>();
  for (const job of jobs) {
    const stage = stageOf(job);
    byStage.set(stage, (byStage.get(stage) ?? 0) + 1);
  }
  const stages = [...byStage].map(([stage, count]) => `${stage} ${count}`).join(', ');
  return `${paint.dim('fresh')}    ${jobs.length} jobs: ${stages}`;
}

/** "epoch 3/10, loss 0.012, 310 images/s, 2 min 05 s left, 1.20 GB" */
export function progressText({ note, metrics = {}, secondsLeft, rssBytes }: Progress): string {
  return [
    ...(note === undefined ? [] : [note]),
    ...Object.entries(metrics).map(([name, value]) => formatNamed(name, value)),
    ...(secondsLeft === undefined ? [] : [`${formatDuration(secondsLeft)} left`]),
    formatBytes(rssBytes),
  ].join(', ');
}

export function percentDone({ fraction }: Pick<JobProgress, 'fraction'>): string {
  return `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)} %`.padStart(5);
}

export function stageOf(job: JobId): string {
  return job.split('/')[0];
}

/** `imagesPerSecond: 310` reads "310 images/s", `loss: 0.012` reads "loss 0.012". */
function formatNamed(name: string, value: number): string {
  const rate = /^(\w+)PerSecond$/.exec(name)?.[1];
  return rate === undefined ? `${name} ${formatMetric(value)}` : `${formatMetric(value)} ${rate}/s`;
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
  return text.split('\n')[0];
}
