import type { Event } from '../runner/contract.ts';
import { describeFailure, type Failure } from '../util/failure.ts';
import { formatDuration } from '../util/format.ts';
import { eventLine, percentDone, progressText } from './job-lines.ts';
import { rareProgress } from './rare-progress.ts';
import type { RunView } from './run-view.ts';
import { plain, type Terminal } from './terminal.ts';

export type LogLevel = 'info' | 'warning' | 'error';

/**
 * For log collectors: JSON lines with `time`, `level`, `message` (what people would read) and then the event's fields. Progress
 * rarely, as in the lines for people.
 */
export function renderLog(
  terminal: Pick<Terminal, 'write'>,
  now: () => number = () => performance.now(),
): RunView {
  const isWorthALine = rareProgress(now);
  return {
    handle(event) {
      if (!isWorthALine(event)) return;
      terminal.write(logLine(levelOf(event), sentenceOf(event), event));
    },
    note: (text, level = 'info') => terminal.write(logLine(level, text)),
    close: () => undefined,
  };
}

/** One line of such a log. A `time` among the fields gives way to that of the line. */
export function logLine(level: LogLevel, message: string, fields: object = {}): string {
  const time = new Date().toISOString();
  return `${JSON.stringify({ ...{ time, level, message }, ...fields, time, level, message })}\n`;
}

/** What went wrong beside the jobs, or refused the command. */
export function logFailure(failure: Failure, fields: object = {}): string {
  return logLine('error', describeFailure(failure), { type: 'error', ...fields, ...failure });
}

const levels: Readonly<Record<Event['type'], LogLevel>> = {
  'run-started': 'info',
  'job-skipped': 'info',
  'job-started': 'info',
  'job-retried': 'warning',
  'job-progress': 'info',
  'job-warning': 'warning',
  'job-finished': 'info',
  'job-failed': 'error',
  'job-blocked': 'warning',
  'job-interrupted': 'warning',
  'run-finished': 'info',
};

function levelOf(event: Event): LogLevel {
  if (event.type !== 'run-finished') return levels[event.type];
  if (event.failed + event.blocked > 0) return 'error';
  return event.interrupted ? 'warning' : 'info';
}

/** On one line, without the alignment of columns. */
function sentenceOf(event: Event): string {
  return (eventLine(event, plain) ?? otherLine(event)).replace(/ {2,}/g, ' ').replaceAll('\n', '; ').trim();
}

function otherLine(event: Event): string {
  switch (event.type) {
    case 'job-skipped':
      return `fresh ${event.job}`;
    case 'job-blocked':
      return `blocked ${event.job} by ${event.by.join(', ')}`;
    case 'job-progress':
      return `${percentDone(event)} ${event.job} ${progressText(event)}`;
    case 'run-finished': {
      const { ran, fresh, failed, blocked, interrupted, seconds } = event;
      const bad = failed + blocked > 0 ? `, ${failed} failed, ${blocked} blocked` : '';
      const how = interrupted ? 'stopped with work left' : 'finished';
      return `${how}: ${ran} ran, ${fresh} fresh${bad} in ${formatDuration(seconds)}`;
    }
    default:
      return event.type;
  }
}
