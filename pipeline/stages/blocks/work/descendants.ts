import { readFfns, writeFfns } from '../../../model/ffn-file.ts';
import type { FfnWeights } from '../../../model/ffn-weights.ts';
import { widthName } from '../../../model/architecture.ts';
import type { TrainedDescendant } from '../../../measure/descendant.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { readJson } from '../../../util/atomic.ts';
import { indices } from '../../common/artefacts.ts';
import { distillJob, files, makingJob, type DescendantsFile, type MadeBy } from '../artefacts.ts';

/** One file for a block's descendants, named by width. */
export async function writeDescendants(path: string, descendants: readonly FfnWeights[]): Promise<void> {
  await writeFfns(
    path,
    descendants.map((weights) => [widthName(weights.hidden), weights]),
  );
}

/** The descendants of `writeDescendants`, widest first; with `width`, that one alone. */
export async function readDescendantsFile(path: string, width?: number): Promise<FfnWeights[]> {
  return readFfns(path, (all) => (width === undefined ? [...all].sort().reverse() : [widthName(width)]));
}

type Reading = Pick<JobContext, 'optionalInput'>;

/**
 * The descendants of a block, of all jobs that made some, widest first. Those of a job that failed are not among them.
 * @param jobs that the widths are divided among
 */
export async function readDescendants(
  context: Reading,
  by: MadeBy,
  jobs: number,
  block: number,
): Promise<FfnWeights[]> {
  const paths = indices(jobs).flatMap(
    (job) => context.optionalInput(makingJob[by](job), files.descendants(block)) ?? [],
  );
  return (await Promise.all(paths.map((path) => readDescendantsFile(path)))).flat();
}

/** The records of a block's final descendants, of all jobs that made some, widest first; their weights are in the file at `path`. */
export async function readRecords(
  context: Reading,
  jobs: number,
  block: number,
): Promise<{ readonly record: TrainedDescendant; readonly path: string }[]> {
  const found = indices(jobs).map(async (job) => {
    const records = context.optionalInput(distillJob(job), files.descendantsFile);
    const path = context.optionalInput(distillJob(job), files.descendants(block));
    if (records === undefined || path === undefined) return [];
    const { blocks } = await readJson<DescendantsFile<TrainedDescendant>>(records);
    return (blocks[block] ?? []).map((record) => ({ record, path }));
  });
  return (await Promise.all(found)).flat();
}
