import type { Config } from '../../config/schema.ts';
import { readPlanRecord } from '../../runner/plan-record.ts';
import type { Method } from '../../stages/common/method.ts';
import { readJobRecord } from '../../stages/common/page/run-records.ts';
import type { HandedOn } from '../../stages/common/page/provenance-section.ts';

/** The files by which what is handed on is known. */
const names = ['manifest.json', 'deployment.json', 'report.json'];

/** Of the jobs that hand something on, and of the last one: digests of what they wrote. */
export async function handedOn(
  runFolder: string,
  method: Pick<Method<Config>, 'library' | 'ending'> | undefined,
): Promise<HandedOn> {
  const jobs = (await readPlanRecord(runFolder))?.jobs ?? [];
  const last = [method?.library, method?.ending?.job, 'report/test'];
  const asked = jobs.filter(({ id, stage }) => stage === 'package' || last.includes(id));
  const records = await Promise.all(
    asked.map(async ({ id }) => [id, await readJobRecord(runFolder, id)] as const),
  );
  return records.flatMap(([job, record]) =>
    (record?.outputs ?? [])
      .filter(({ path }) => names.includes(path))
      .map(({ path, sha256 }) => ({ what: `${job}: ${path}`, sha256 })),
  );
}
