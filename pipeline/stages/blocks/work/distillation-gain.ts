import { existsSync } from 'node:fs';
import { distillationGain, type DistillationGain } from '../../../distill/distillation-gain.ts';
import type { TrainingHistory } from '../../../distill/history.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { readJson } from '../../../util/atomic.ts';
import { indices } from '../../common/artefacts.ts';
import { distillJob, files } from '../artefacts.ts';

/** What the distill jobs gained per minute, by width; undefined where they trained nothing. */
export async function readDistillationGain(
  context: Pick<JobContext, 'optionalInput'>,
  jobs: number,
): Promise<DistillationGain | undefined> {
  const read = async (job: number) => {
    const history = context.optionalInput(distillJob(job), files.history);
    return history === undefined || !existsSync(history) ? [] : [await readJson<TrainingHistory>(history)];
  };
  return distillationGain((await Promise.all(indices(jobs).map(read))).flat());
}
