import type { WorkerLine } from '../../runner/bullmq/worker-line.ts';
import { logLine, type LogLevel } from '../../terminal/run-log.ts';
import { formatDuration } from '../../util/format.ts';
import { describeFailure } from '../../util/failure.ts';

/** One line for people. */
export function renderLine(line: WorkerLine): string {
  return `${new Date().toLocaleTimeString('en-GB')} ${textOf(line)}\n`;
}

/** One line for log collectors. */
export function renderLogLine(line: WorkerLine): string {
  return logLine(levels[line.type] ?? 'info', textOf(line), line);
}

const levels: Partial<Record<WorkerLine['type'], LogLevel>> = {
  'job-failed': 'error',
  'job-returned': 'warning',
};

function textOf(line: WorkerLine): string {
  switch (line.type) {
    case 'worker-started': {
      const { worker, name, queue, slots } = line;
      return `${worker} serves ${name} at ${queue}, ${slots === 1 ? 'one job' : `${slots} jobs`} at once`;
    }
    case 'job-started':
      return `${line.run} ${line.job} ...`;
    case 'job-finished':
      return `${line.run} ${line.job} done in ${formatDuration(line.seconds)}`;
    case 'job-failed':
      return `${line.run} ${line.job} failed: ${describeFailure(line.failure)}`;
    case 'job-returned':
      return `${line.run} ${line.job} is back in the queue`;
    case 'note':
      return line.text;
  }
}
