import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { droppedColumns, renderTable, type Column } from '../../terminal/table.ts';
import { wrapTo } from '../../terminal/width.ts';
import { readJson } from '../../util/atomic.ts';
import type { EndingText } from '../common/method.ts';
import { deploymentFolder, files, reportJob } from './artefacts.ts';
import type { FleetsMethod, FleetsReport } from './report-file.ts';
import type { ReportTable } from './report-cells.ts';
import { reportTables } from './report-tables.ts';

/** What a run came to, by its report; undefined where the folder holds none of `method`. */
export async function readEnding(runFolder: string, method: FleetsMethod): Promise<EndingText | undefined> {
  const path = join(runFolder, reportJob, files.report);
  if (!existsSync(path)) return undefined;
  const { kind } = await readJson<{ readonly kind?: string }>(path);
  // Other methods have a report, too.
  if (kind !== method) return undefined;
  const report = await readJson<FleetsReport>(path);
  const tables = reportTables(report, false);
  const deployments = report.fleets.map(({ name }) => deploymentFolder(name));
  const text = (width: number): string =>
    [
      ...tables.map((table) => drawn(table, width).join('\n')),
      [
        ...(deployments.length === 0 ? [] : [`Deployments: ${deployments.join(', ')}`]),
        `Report: ${join(reportJob, files.reportText)}`,
      ].join('\n'),
    ].join('\n\n');
  const brief = (width: number, rows: number): string[] =>
    tables.slice(0, 1).flatMap((table) => most(table, width, rows));
  return { json: report, text, brief, deployments };
}

/** Two lines of titles and rule are a table's own. */
const ownLines = 2;

function drawn({ title, notes, columns, rows }: ReportTable, width: number): string[] {
  const fitted = fitting(columns);
  const left = droppedColumns(fitted, rows, width);
  const more = left.length === 0 ? [] : [`a wider screen, --wide and --json also have: ${left.join(', ')}`];
  return [
    title,
    ...[...notes, ...more].flatMap((note) => wrapTo(note, width, '  ')),
    '',
    ...renderTable(fitted, rows, { columns: width }),
  ];
}

/** The first of its models, under one line of what they are. */
function most({ title, notes, columns, rows }: ReportTable, width: number, lines: number): string[] {
  const about = wrapTo(`${title}: ${notes[0] ?? ''}`, width, '  ');
  const room = Math.max(2, lines - about.length - ownLines);
  const shown = rows.length <= room ? rows : rows.slice(0, room - 1);
  return [
    ...about,
    ...renderTable(fitting(columns), shown, { columns: width }),
    ...(shown.length < rows.length ? [`and ${rows.length - shown.length} more`] : []),
  ];
}

/** Names are cut, and the last columns left out, where the screen is narrow: what is compared comes first. */
function fitting(columns: ReportTable['columns']): readonly Column[] {
  return columns.map((column, i) => {
    if (i === 0) return { ...column, least: 24, keepsEnd: true };
    return i < 3 ? column : { ...column, dispensable: i };
  });
}
