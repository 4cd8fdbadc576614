import { dirname } from 'node:path';
import type { PlanRow } from '../../runner/states.ts';
import { formatBytes, formatDuration } from '../../util/format.ts';
import { oneLine } from '../../util/printable.ts';
import { renderTable } from '../../terminal/table.ts';
import type { Paint } from '../../terminal/terminal.ts';

export interface PlanFacts {
  readonly run: string;
  readonly folder: string;
  readonly engine: string;
  /** Jobs at once. */
  readonly slots: number;
  /** What the folder of images holds and what of it is read; sentences. */
  readonly data?: readonly string[] | undefined;
}

/** What a run would do: each job, its state, why, and what it would cost. */
export function renderPlan(rows: readonly PlanRow[], facts: PlanFacts, paint: Paint): string {
  const { run, folder, engine, slots, data = [] } = facts;
  const toDo = rows.filter(({ state }) => state !== 'fresh');
  const title = `${run} in ${folder}, engine ${engine}, ${slots} job${slots === 1 ? '' : 's'} at once`;
  const table = renderTable(
    [
      { title: 'job' },
      { title: 'state' },
      { title: 'why' },
      { title: 'time', align: 'right' },
      { title: 'memory', align: 'right' },
      { title: 'disk', align: 'right' },
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
    (line, i) => (rows[i]!.state === 'fresh' ? paint.dim(line) : line),
  );
  const kept = toDo.flatMap(({ job, holds = [] }) => heldLines(job, holds));
  const account = data.length === 0 ? [] : [paint.bold('Images'), ...data.map((line) => `  ${line}`), ''];
  return [paint.bold(title), '', ...account, ...table, '', totals(rows.length, toDo, slots), ...kept].join(
    '\n',
  );
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

function totals(all: number, toDo: readonly PlanRow[], slots: number): string {
  if (toDo.length === 0) return `${all === 1 ? '1 job,' : `${all} jobs, all`} fresh: nothing to do`;
  const { seconds, memoryBytes, diskBytes } = planTotals(toDo, slots);
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
