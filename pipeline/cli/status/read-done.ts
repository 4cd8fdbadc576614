import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobId } from '../../runner/contract.ts';
import { doneFile } from '../../runner/outputs.ts';
import { inParallel } from '../../runner/store/object/in-parallel.ts';

/** Of a job's `done.json`. */
export interface DoneFacts {
  readonly finishedAt: string;
  readonly seconds: number;
  readonly warnings: readonly string[];
}

/** So few that no limit of open files is met, and enough for a server far away. */
export const filesAtOnce = 64;

export type DoneReader = (jobs: readonly JobId[]) => Promise<ReadonlyMap<JobId, DoneFacts>>;

/** Reads what jobs recorded; looked at again, only what has changed. What cannot be read is not done. */
export function doneReader(runFolder: string): DoneReader {
  const known = new Map<JobId, { readonly stamp: string; readonly facts: DoneFacts | undefined }>();
  const read = async (job: JobId): Promise<DoneFacts | undefined> => {
    const path = join(runFolder, job, doneFile);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return undefined;
    const stamp = `${found.ino} ${found.size} ${found.mtimeMs}`;
    const before = known.get(job);
    if (before?.stamp === stamp) return before.facts;
    const facts = factsOf(await readFile(path, 'utf8').catch(() => ''));
    known.set(job, { stamp, facts });
    return facts;
  };
  return async (jobs) => {
    const found = await inParallel(jobs, async (job) => [job, await read(job)] as const, filesAtOnce);
    return new Map(found.flatMap(([job, facts]) => (facts === undefined ? [] : [[job, facts] as const])));
  };
}

function factsOf(text: string): DoneFacts | undefined {
  try {
    const { format, finishedAt, seconds, warnings } = JSON.parse(text) as Partial<
      DoneFacts & { format: number }
    >;
    if (format !== 1 || typeof finishedAt !== 'string' || typeof seconds !== 'number') return undefined;
    return { finishedAt, seconds, warnings: Array.isArray(warnings) ? warnings.map(String) : [] };
  } catch {
    return undefined;
  }
}
