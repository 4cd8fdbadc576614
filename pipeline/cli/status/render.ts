import { percentDone } from '../../terminal/job-lines.ts';
import { formatMetric } from '../../terminal/numbers.ts';
import { renderTable } from '../../terminal/table.ts';
import type { Paint } from '../../terminal/terminal.ts';
import { formatBytes, formatDuration } from '../../util/format.ts';
import { wrapTo } from '../../terminal/width.ts';
import { oneLine } from '../../util/printable.ts';
import type { RunStatus, WorkerStatus } from './run-status.ts';

/** Of warnings and failures so many are shown where the screen is drawn again and again. */
const shown = 10;

/** How a run stands, for people. @param columns that lines have @param whole all warnings and failures, wrapped; else the first of them, cut */
export function renderStatus(status: RunStatus, paint: Paint, columns: number, whole = false): string {
  const { stages, workers, lost } = status;
  const sections: string[][] = [
    [
      ...wrapped(headline(status), columns).map(paintState(status, paint)),
      ...adviceOf(status),
      ...wrapped(placeLine(status), columns),
    ],
    renderTable(
      [
        { title: 'stage' },
        ...['jobs', 'done', 'running', 'failed', 'blocked', 'left'].map(
          (title) => ({ title, align: 'right' }) as const,
        ),
      ],
      stages.map(({ stage, jobs, done, running, failed, blocked, left }) => [
        stage,
        String(jobs),
        ...[done, running, failed, blocked, left].map((count) => (count === 0 ? '' : String(count))),
      ]),
      { paintRow: (line, row) => (stages[row]!.done === stages[row]!.jobs ? paint.dim(line) : line) },
    ),
    workers.length === 0 ? [] : [paint.bold('At work'), ...workers.flatMap(workerLines)],
    lost.length === 0 ? [] : [paint.yellow('Gone without a word'), ...lost.flatMap(lostLines)],
    failureLines(status, paint, whole),
    warningLines(status, paint, whole),
  ];
  const line = (text: string) => (whole ? wrapTo(text, columns, '    ') : [fit(text, columns)]);
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.flatMap(line).join('\n'))
    .join('\n\n');
}

/** "demo: running, 12 of 34 jobs done, 2 at work, about 3 min 05 s left" */
export function headline({ run, state, jobs, engine, jobsPerHour, secondsLeft }: RunStatus): string {
  const words: Readonly<Record<RunStatus['state'], string>> = {
    running: 'running',
    finished: 'finished',
    failed: 'failed',
    interrupted: 'stopped with work left',
    nobody: 'work is left, and nobody is at work',
  };
  const parts = [
    `${oneLine(run)}: ${words[state]}`,
    `${jobs.done} of ${jobs.jobs} jobs done`,
    ...(jobs.running > 0 ? [`${jobs.running} at work`] : []),
    ...(jobs.failed > 0 ? [`${jobs.failed} failed`] : []),
    ...(jobs.blocked > 0 ? [`${jobs.blocked} blocked`] : []),
    ...(secondsLeft === undefined ? [] : [`about ${formatDuration(secondsLeft)} left`]),
    ...(jobsPerHour === undefined ? [] : [`${formatMetric(Math.round(jobsPerHour))} jobs/h`]),
    ...(engine === undefined ? [] : [`engine ${oneLine(engine)}`]),
  ];
  return parts.join(', ');
}

function adviceOf({ state }: RunStatus): string[] {
  if (state === 'failed')
    return ['next: mend what failed, then the command of the run with --retry-failed, or as it was'];
  if (state === 'nobody' || state === 'interrupted') return ['next: the same command goes on where it was'];
  return [];
}

function placeLine({ folder, disk, started }: RunStatus): string {
  const free = disk.freeBytes === undefined ? '' : `, ${formatBytes(disk.freeBytes)} free`;
  const since = started === undefined ? '' : `; since ${started.slice(0, 19).replace('T', ' ')} UTC`;
  return `${formatBytes(disk.usedBytes)} on disk${free}${since}; ${oneLine(folder)}`;
}

function workerLines({ who, kind, heard, running, slots, version }: WorkerStatus): string[] {
  const facts = [
    ...(slots === undefined ? [] : [`${slots} slot${slots === 1 ? '' : 's'}`]),
    ...(version === undefined ? [] : [`version ${oneLine(version)}`]),
    `heard of ${formatDuration(heard)} ago`,
  ];
  return [`  ${kind} ${oneLine(who)}: ${facts.join(', ')}`, ...running.map((job) => `    ${jobText(job)}`)];
}

/** "distill/shard-0   25 %  since 2 min 05 s, step 30/300, loss w0384 0.012, 3 min 10 s left, 1.20 GB, by b:12" */
function jobText(job: WorkerStatus['running'][number]): string {
  const { id, seconds, fraction, note, metrics = {}, secondsLeft, rssBytes, worker } = job;
  const parts = [
    `for ${formatDuration(seconds)}`,
    ...(secondsLeft === undefined ? [] : [`${formatDuration(secondsLeft)} left`]),
    ...(note === undefined ? [] : [note]),
    ...Object.entries(metrics).map(([name, value]) => `${name} ${formatMetric(value)}`),
    ...(rssBytes === undefined ? [] : [formatBytes(rssBytes)]),
    ...(worker === undefined ? [] : [`by ${worker}`]),
  ];
  const percent = fraction === undefined ? '' : `  ${percentDone({ fraction })}`;
  return oneLine(`${id}${percent}  ${parts.join(', ')}`);
}

function lostLines({ who, kind, heard, running }: WorkerStatus): string[] {
  const at = running.length === 0 ? '' : `, was at ${running.map(({ id }) => id).join(', ')}`;
  return [`  ${kind} ${oneLine(who)}: heard of ${formatDuration(heard)} ago${oneLine(at)}`];
}

function failureLines({ failures }: RunStatus, paint: Paint, whole: boolean): string[] {
  if (failures.length === 0) return [];
  const most = whole ? Infinity : shown;
  const lines = failures
    .slice(0, most)
    .flatMap(({ job, failure }) => [
      `  ${oneLine(job)}: ${oneLine(failure.subject)}: ${firstLine(failure.found)}`,
      ...(failure.next === undefined ? [] : [`    next: ${firstLine(failure.next)}`]),
    ]);
  return [paint.red(`Failures (${failures.length})`), ...lines, ...more(failures.length, most)];
}

function warningLines({ warnings }: RunStatus, paint: Paint, whole: boolean): string[] {
  if (warnings.length === 0) return [];
  const most = whole ? Infinity : shown;
  const lines = warnings
    .slice(0, most)
    .map(
      ({ job, message }) =>
        `  ${oneLine(job)}: ${whole ? oneLine(message.replaceAll(/\s*\n\s*/g, ' ')) : firstLine(message)}`,
    );
  return [paint.yellow(`Warnings (${warnings.length})`), ...lines, ...more(warnings.length, most)];
}

function more(all: number, most: number): string[] {
  return all > most ? [`  and ${all - most} more`] : [];
}

function paintState({ state }: RunStatus, paint: Paint): (text: string) => string {
  if (state === 'failed') return paint.red;
  return state === 'running' || state === 'finished' ? paint.bold : paint.yellow;
}

function firstLine(text: string): string {
  return oneLine(text.split('\n')[0] ?? '');
}

/** Begins a new line behind a comma where one would be too long; what is too long for a line by itself is cut. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const part of text.split(/(?<=[,;]) /)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + part.length <= columns)
      lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(last === undefined ? part : `  ${part}`);
  }
  return lines.map((line) => fit(line, columns));
}

/** What is painted is short, or was cut before. */
function fit(text: string, columns: number): string {
  return text.includes('\x1b') || text.length <= columns ? text : `${text.slice(0, columns - 3)}...`;
}
