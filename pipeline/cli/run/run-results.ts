import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Method } from '../../stages/common/method.ts';
import type { Config } from '../../config/schema.ts';
import { reportFile } from '../report/report-file.ts';

/** What a run hands on, as far as it lies in its folder: absolute paths by name. */
export function runResults(
  { library }: Pick<Method<Config>, 'library'>,
  runFolder: string,
): Readonly<Record<string, string>> {
  const deployments =
    library === undefined ? foldersOf(runFolder).filter((name) => name.startsWith('deployment-')) : [];
  const places = {
    ...(library !== undefined && { library: 'library' }),
    page: reportFile,
    report: join('report', 'test', 'report.md'),
    ...Object.fromEntries(deployments.map((name) => [name, name])),
  };
  return Object.fromEntries(
    Object.entries(places)
      .map(([name, path]) => [name, join(runFolder, path)] as const)
      .filter(([, path]) => existsSync(path)),
  );
}

function foldersOf(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
