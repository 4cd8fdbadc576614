import type { Event } from '../runner/contract.ts';
import { describeFailure } from '../util/failure.ts';
import { formatDuration } from '../util/format.ts';
import { oneLine } from '../util/printable.ts';
import { countJobs, stageOf } from './job-lines.ts';
import type { Paint } from './terminal.ts';
import type { RunState } from './track-run.ts';
import { cutTo, displayWidth } from './width.ts';

/** Why a run ended before its end, and how it goes on. */
export interface Stopped {
  /** E.g. "SIGTERM"; undefined where nobody asked for it. */
  readonly why: string | undefined;
  /** As it is typed. */
  readonly command: string;
}

/** Where warnings are read in full, and on how wide a screen that is said. */
export interface BriefWarnings {
  /** As it is typed. */
  readonly command: string;
  readonly columns: number;
}

/**
 * The end of a run in words: warnings by kind, failures in full, the count, and what is left.
 * @param brief of the warnings only how many there are and what the first says
 */
export function renderOutcome(state: RunState, paint: Paint, stop?: Stopped, brief?: BriefWarnings): string {
  const sections = [
    brief === undefined ? warningLines(state.warnings, paint) : briefLines(state.warnings, paint, brief),
    failureLines(state, paint),
    [countLine(state, paint, stop), ...leftLines(state, stop)],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

type Warning = Extract<Event, { type: 'job-warning' }>;

/** Warnings that differ only in numbers are one kind; the first stands for all of them. */
function kindsOf(warnings: readonly Warning[]): readonly (readonly Warning[])[] {
  const kinds = new Map<string, Warning[]>();
  for (const warning of warnings) {
    const kind = `${stageOf(warning.job)} ${warning.message.replace(/[-+]?\d+(\.\d+)?/g, '#')}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), warning]);
  }
  return [...kinds.values()];
}

/** "14 warnings of 2 kinds, all by: npm run pipeline -- status runs/demo", and the first of each, cut. */
function briefLines(
  warnings: readonly Warning[],
  paint: Paint,
  { command, columns }: BriefWarnings,
): string[] {
  const kinds = kindsOf(warnings);
  if (kinds.length === 0) return [];
  const count = `${warnings.length} warning${warnings.length === 1 ? '' : 's'}`;
  const shown = kinds
    .slice(0, 2)
    .flatMap(([first]) =>
      first === undefined ? [] : [cutTo(`  ${first.job}: ${oneLine(first.message)}`, columns)],
    );
  const many = kinds.length > 2 ? ` of ${kinds.length} kinds` : '';
  const start = `${count}${many}; in full:`;
  const isNarrow = displayWidth(start) + 1 + displayWidth(command) > columns;
  return [
    ...(isNarrow ? [paint.yellow(start), `  ${command}`] : [`${paint.yellow(start)} ${command}`]),
    ...shown,
  ];
}

function warningLines(warnings: readonly Warning[], paint: Paint): string[] {
  const lines = kindsOf(warnings).map((same) => {
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
  { started, finished, done, fresh, retried, failures, blocked, interrupted }: RunState,
  paint: Paint,
  stop: Stopped | undefined,
): string {
  // Only --retry-failed asks for that.
  if (started?.jobs === 0) return 'nothing to try again: no job failed';
  const counts = [
    `${finished?.ran ?? done} ran`,
    `${finished?.fresh ?? fresh} fresh`,
    ...(retried > 0 ? [`${retried} tried again`] : []),
    ...(failures.length > 0 ? [paint.red(`${failures.length} failed`)] : []),
    ...(blocked.length > 0 ? [`${blocked.length} blocked`] : []),
  ].join(', ');
  const time = finished === undefined ? '' : ` in ${formatDuration(finished.seconds)}`;
  if (finished?.interrupted || interrupted.length > 0) {
    const by = stop?.why === undefined || stop.why === 'SIGINT' ? 'interrupted' : `stopped by ${stop.why}`;
    return `${counts}${time}; ${by}: give the same command again to go on`;
  }
  return `${counts}${time}`;
}

function leftLines({ finished }: RunState, stop: Stopped | undefined): string[] {
  const { left = [] } = finished ?? {};
  if (left.length === 0) return [];
  return [`left: ${countJobs(left)}`, ...(stop === undefined ? [] : [`goes on with: ${stop.command}`])];
}

function indent(text: string, spaces: number): string[] {
  return text.split('\n').map((line) => `${' '.repeat(spaces)}${line}`);
}
