import { join } from 'node:path';
import { renderTable } from '../../terminal/table.ts';
import type { Paint } from '../../terminal/terminal.ts';
import { readJson } from '../../util/atomic.ts';
import { deploymentFolder, files, reportJob } from './artefacts.ts';
import type { EdVitReport } from './report-file.ts';
import { reportTables } from './report-tables.ts';

/** The tables at a run's end, by its report. */
export async function renderEnding(runFolder: string, paint: Paint): Promise<string> {
  const report = await readJson<EdVitReport>(join(runFolder, reportJob, files.report));
  const tables = reportTables(report, false).map(({ title, notes, columns, rows }) =>
    [paint.bold(title), ...notes, '', ...renderTable(columns, rows)].join('\n'),
  );
  const deployments = report.fleets.map(({ name }) => join(runFolder, deploymentFolder(name)));
  return [
    ...tables,
    ...(deployments.length === 0 ? [] : [`Deployments: ${deployments.join(', ')}`]),
    `Report: ${join(runFolder, reportJob, files.reportText)}`,
  ].join('\n\n');
}
