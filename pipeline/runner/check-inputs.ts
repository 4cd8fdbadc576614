import { join } from 'node:path';
import { fail } from '../util/failure.ts';
import { sha256File } from '../util/hash.ts';
import { known } from '../util/known.ts';
import type { JobId } from './contract.ts';
import type { FileDigests } from './file-digests.ts';
import type { JobInput } from './fingerprint.ts';
import { changeOf } from './outputs.ts';
import { jobsOf, type Plan, type PlannedJob } from './plan.ts';
import { outputPlace } from './publish.ts';

export interface InputCheck {
  readonly plan: Plan;
  readonly planned: PlannedJob;
  readonly inputs: ReadonlyMap<JobId, JobInput>;
  readonly runFolder: string;
  readonly digests: FileDigests;
}

/** Reading a mebibyte costs less than starting a job: files up to this size are read, larger ones looked at. */
const smallBytes = 2 ** 20;

/**
 * Whether the files that a job is about to read, or has read, are those that their jobs recorded. Called on both sides of
 * the work, it leaves no moment in which other bytes could have been read unnoticed: a time of change cannot be set back.
 *
 * @param whole large files are read, too
 * @throws BlockForgeError `file-invalid` with the file, the job that made it and what makes it again
 */
export async function checkInputs(
  { plan, planned, inputs, runFolder, digests }: InputCheck,
  whole: boolean,
): Promise<void> {
  for (const [id, outputs] of inputs) {
    if (outputs === 'unknown') continue;
    const { job, stage } = known(jobsOf(plan), id);
    const reads = planned.job.reads?.[id];
    for (const output of outputs) {
      if (reads !== undefined && !reads.includes(output.path)) continue;
      const path = join(runFolder, outputPlace(job), output.path);
      const always = whole || output.sizeBytes <= smallBytes;
      const read = always ? sha256File : (large: string) => digests.digest(large);
      const change = await changeOf(path, output, read, !always);
      if (change === undefined) continue;
      fail({
        reason: 'file-invalid',
        subject: path,
        found: `it ${change} after ${job.id} recorded it`,
        expected: `sha256 ${output.sha256}`,
        next: `give the same command again with --from ${stage}: it is made again`,
      });
    }
  }
}
