import { dirname } from 'node:path';
import { fittingBatches } from '../../runner/fitting-batches.ts';
import type { SideBySide } from '../../runner/side-by-side.ts';
import type { PlanRow } from '../../runner/states.ts';
import { formatBytes, formatDuration } from '../../util/format.ts';
import { oneLine } from '../../util/printable.ts';
import { renderTable } from '../../terminal/table.ts';
import { wrapTo } from '../../terminal/width.ts';
import type { Paint } from '../../terminal/terminal.ts';
import { describeMissing, needsOf } from './missing-files.ts';
import type { MissingFile } from './prepare.ts';
import { describeSideBySide } from './side-by-side.ts';

export interface PlanFacts {
  readonly run: string;
  readonly folder: string;
  readonly engine: string;
  /** Jobs at once. */
  readonly slots: number;
  /** Of this machine, to say which batches fit where those asked for do not. Default: nothing is said. */
  readonly memoryBytes?: number | undefined;
  /** What the folder of images holds and what of it is read; sentences. */
  readonly data?: readonly string[] | undefined;
  /** What is not at hand, and what is taken instead; sentences. */
  readonly assumed?: readonly string[] | undefined;
  /** What a run needs beside that. */
  readonly missing?: readonly MissingFile[] | undefined;
  /** What of it can be done at once. */
  readonly sideBySide?: SideBySide | undefined;
  /** Stages that hold up by a setting, with the one that frees or cuts them. */
  readonly frees?: Readonly<Record<string, string>> | undefined;
}

/** What a run would do: each job, its state, why, and what it would cost. */
export function renderPlan(
  rows: readonly PlanRow[],
  facts: PlanFacts,
  paint: Paint,
  columns = Infinity,
): string {
  const { run, folder, engine, slots, data = [], assumed = [], missing = [], sideBySide, frees } = facts;
  const toDo = rows.filter(({ state }) => state !== 'fresh');
  const title = `${run} in ${folder}, engine ${engine}, ${slots} job${slots === 1 ? '' : 's'} at once`;
  const table = renderTable(
    [
      { title: 'job' },
      { title: 'state' },
      { title: 'why', least: 16 },
      { title: 'time', align: 'right' },
      { title: 'memory', align: 'right', dispensable: 1 },
      { title: 'disk', align: 'right', dispensable: 2 },
    ],
    rows.map(({ job, state, why, estimate }) =>
      state === 'fresh'
        ? [job, state, why, '', '', '']
        : [
            job,
            state.replace('-', ' '),
            why,
            formatDuration(estimate.seconds),
            formatBytes(Math.round(estimate.memoryBytes)),
            formatBytes(Math.round(estimate.diskBytes)),
          ],
    ),
    { paintRow: (line, i) => (rows[i]!.state === 'fresh' ? paint.dim(line) : line), columns },
  );
  const kept = toDo.flatMap(({ job, holds = [] }) => heldLines(job, holds));
  const wrapped = (lines: readonly string[], indent = '') =>
    lines.flatMap((line) => wrapTo(`${indent}${line}`, columns, `${indent}  `));
  const section = (heading: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [paint.bold(heading), ...wrapped(lines, '  '), ''];
  const atOnce = sideBySide === undefined ? [] : describeSideBySide(sideBySide, frees);
  const scheduled = sideBySide?.bySlots.find((entry) => entry.slots === slots);
  const batches = fittingBatches(toDo.map(({ estimate }) => estimate), facts.memoryBytes ?? Infinity); // prettier-ignore
  const total = totals(rows.length, toDo, slots, scheduled?.seconds);
  return [
    ...wrapTo(title, columns).map(paint.bold),
    ...wrapped(describeMissing(missing)),
    '',
    ...section('Assumed, as it is not at hand', assumed),
    ...section('To run it', needsOf(missing)),
    ...section('Images', data),
    ...table,
    '',
    ...wrapped([total, ...(batches === undefined ? [] : [tooLarge(batches, facts)]), ...atOnce, ...kept]),
  ].join('\n');
}

function tooLarge(batches: string, { memoryBytes = Infinity }: PlanFacts): string {
  return `This machine has ${formatBytes(memoryBytes)} of memory, too little for some jobs; ${batches}`;
}

/** What of a user's stays and what goes, a folder of many as one. */
function heldLines(job: string, holds: NonNullable<PlanRow['holds']>): string[] {
  const goes = holds.flatMap(({ path, setAside }) =>
    setAside === undefined ? [] : [`${oneLine(path)} will be set aside: ${setAside}`],
  );
  const stays = holds.filter(({ setAside }) => setAside === undefined);
  const shown = [...new Set(stays.map(({ path }) => dirname(path)))].flatMap((folder) => {
    const inside = stays.filter(({ path }) => dirname(path) === folder);
    if (inside.length > 3) return `${oneLine(folder)}/ (${filesOf(inside)})`;
    return inside.map(
      (item) => oneLine(item.path) + (item.files === undefined ? '' : ` (${filesOf([item])})`),
    );
  });
  if (shown.length > 0)
    goes.push(
      `${job} leaves what was put there: ${shown.join(', ')}; what does not fit the new files goes to set-aside/`,
    );
  return goes;
}

function filesOf(items: NonNullable<PlanRow['holds']>): string {
  const count = sum(items.map(({ files = 1 }) => files));
  return `${count} file${count === 1 ? '' : 's'}`;
}

/** @param scheduled seconds of a schedule, which a chain makes longer than the bound of `planTotals` */
function totals(all: number, toDo: readonly PlanRow[], slots: number, scheduled?: number): string {
  if (toDo.length === 0) return `${all === 1 ? '1 job,' : `${all} jobs, all`} fresh: nothing to do`;
  const { seconds: bound, memoryBytes, diskBytes } = planTotals(toDo, slots);
  const seconds = scheduled ?? bound;
  const perhaps = toDo.filter(({ state }) => state === 'may-run').length;
  const count = `${toDo.length - perhaps} to do${perhaps > 0 ? ` and ${perhaps} that may run` : ''}`;
  return (
    `${all} job${all === 1 ? '' : 's'}, ${count}: ${perhaps > 0 ? 'at most' : 'about'} ${formatDuration(seconds)}, ` +
    `up to ${formatBytes(Math.round(memoryBytes))} of memory, ${formatBytes(Math.round(diskBytes))} of disk`
  );
}

/**
 * Sums over the jobs to do. Time: all of it spread over the slots, but no less than the longest job; memory: the
 * largest `slots` jobs at once. Both are bounds of a schedule, not a schedule.
 */
export function planTotals(
  toDo: readonly PlanRow[],
  slots: number,
): { seconds: number; memoryBytes: number; diskBytes: number } {
  const seconds = toDo.map(({ estimate }) => estimate.seconds);
  const memory = toDo.map(({ estimate }) => estimate.memoryBytes).sort((a, b) => b - a);
  return {
    seconds: Math.max(sum(seconds) / slots, ...seconds, 0),
    memoryBytes: sum(memory.slice(0, slots)),
    diskBytes: sum(toDo.map(({ estimate }) => estimate.diskBytes)),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
