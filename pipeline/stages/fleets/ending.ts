import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { renderTable } from '../../terminal/table.ts';
import { readJson } from '../../util/atomic.ts';
import { deploymentFolder, files, reportJob } from './artefacts.ts';
import type { FleetsMethod, FleetsReport } from './report-file.ts';
import { reportTables } from './report-tables.ts';

/** What a run came to, by its report; undefined where the folder holds none of `method`. */
export async function readEnding(
  runFolder: string,
  method: FleetsMethod,
): Promise<{ readonly json: unknown; readonly text: string } | undefined> {
  const path = join(runFolder, reportJob, files.report);
  if (!existsSync(path)) return undefined;
  const { kind } = await readJson<{ readonly kind?: string }>(path);
  // Other methods have a report, too.
  if (kind !== method) return undefined;
  const report = await readJson<FleetsReport>(path);
  const tables = reportTables(report, false).map(({ title, notes, columns, rows }) =>
    [title, ...notes, '', ...renderTable(columns, rows)].join('\n'),
  );
  const deployments = report.fleets.map(({ name }) => deploymentFolder(name));
  const text = [
    ...tables,
    [
      ...(deployments.length === 0 ? [] : [`Deployments: ${deployments.join(', ')}`]),
      `Report: ${join(reportJob, files.reportText)}`,
    ].join('\n'),
  ].join('\n\n');
  return { json: report, text };
}
