import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import type { Method } from '../../stages/common/method.ts';
import { reportFile } from '../report/report-file.ts';

/**
 * Writes `report.html` into the folder of a run that has its result. Loads no engine.
 * @param didWork whether a job was done now; otherwise a page that is there and newer than all of them stays
 * @returns its absolute path
 * @throws whatever stopped it: the caller notes it, the run has ended all the same
 */
export async function writeRunReport(
  runFolder: string,
  { method, didWork }: { readonly method: Method<Config>; readonly didWork: boolean },
): Promise<string> {
  const path = join(runFolder, reportFile);
  const { isPage, writePage } = await import('../../report/write-page.ts');
  if (!didWork && (await isPage(path)) && (await isNewest(path, runFolder))) return path;
  const { reportOfRun } = await import('../report/report-of-run.ts');
  await writePage(path, await reportOfRun(runFolder, [method]));
  return path;
}

/** No job was done since. */
async function isNewest(path: string, runFolder: string): Promise<boolean> {
  const { readPlanRecord } = await import('../../runner/plan-record.ts');
  const { doneReader } = await import('../status/read-done.ts');
  const { mtimeMs } = await stat(path);
  const jobs = (await readPlanRecord(runFolder))?.jobs ?? [];
  const done = await doneReader(runFolder)(jobs.map(({ id }) => id));
  return [...done.values()].every(({ finishedAt }) => Date.parse(finishedAt) <= mtimeMs);
}
