import type { Event } from '../runner/contract.ts';
import { describeFailure } from '../util/failure.ts';
import { formatDuration } from '../util/format.ts';
import { countJobs, stageOf } from './job-lines.ts';
import type { Paint } from './terminal.ts';
import type { RunState } from './track-run.ts';

/** The end of a run in words: warnings by kind, failures in full, the count. */
export function renderOutcome(state: RunState, paint: Paint): string {
  const sections = [
    warningLines(state.warnings, paint),
    failureLines(state, paint),
    [countLine(state, paint)],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

type Warning = Extract<Event, { type: 'job-warning' }>;

/** Warnings that differ only in numbers are one kind; the first stands for all of them. */
function warningLines(warnings: readonly Warning[], paint: Paint): string[] {
  const kinds = new Map<string, Warning[]>();
  for (const warning of warnings) {
    const kind = `${stageOf(warning.job)} ${warning.message.replace(/[-+]?\d+(\.\d+)?/g, '#')}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), warning]);
  }
  const lines = [...kinds.values()].map((same) => {
    const { job, message } = same[0]!;
    if (same.length === 1) return `  ${job}: ${message}`;
    return `  ${job}: ${message} (and ${same.length - 1} more like it in ${stageOf(job)})`;
  });
  return lines.length === 0 ? [] : [paint.yellow(`Warnings (${warnings.length})`), ...lines];
}

function failureLines({ failures, blocked }: RunState, paint: Paint): string[] {
  if (failures.length === 0) return [];
  const lines = failures.flatMap(({ job, failure, stack }) => [
    `  ${job}`,
    ...indent(describeFailure(failure), 4),
    ...(stack === undefined ? [] : indent(stack, 6)),
  ]);
  const waiting =
    blocked.length === 0 ? [] : [`  not run because of it: ${countJobs(blocked.map(({ job }) => job))}`];
  return [paint.red(`Failures (${failures.length})`), ...lines, ...waiting];
}

function countLine(
  { finished, done, fresh, failures, blocked, interrupted }: RunState,
  paint: Paint,
): string {
  const counts = [
    `${finished?.ran ?? done} ran`,
    `${finished?.fresh ?? fresh} fresh`,
    ...(failures.length > 0 ? [paint.red(`${failures.length} failed`)] : []),
    ...(blocked.length > 0 ? [`${blocked.length} blocked`] : []),
  ].join(', ');
  const time = finished === undefined ? '' : ` in ${formatDuration(finished.seconds)}`;
  if (finished?.interrupted || interrupted.length > 0) {
    return `${counts}${time}; interrupted: give the same command again to go on`;
  }
  return `${counts}${time}`;
}

function indent(text: string, spaces: number): string[] {
  return text.split('\n').map((line) => `${' '.repeat(spaces)}${line}`);
}
