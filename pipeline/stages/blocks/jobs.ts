import { hiddenUnits } from '../../model/architecture.ts';
import type { JobId } from '../../runner/contract.ts';
import { indices } from '../common/artefacts.ts';
import { ofEach, type Files } from '../common/reads.ts';
import {
  classShareJob,
  compositionsJob,
  distillJob,
  files,
  measureJob,
  orderJob,
  polishJob,
  refitJob,
  statisticsJob,
} from './artefacts.ts';
import type { BlocksInput } from './schema.ts';
import { polishedModels, removedPercent, shardsOf } from './shape.ts';

/** Which jobs of this method a run has, and what others read of them. */

/** Numbers of the jobs that images are divided among. */
export function imageShards({ loaded, architecture }: BlocksInput) {
  const { statistics, measure } = shardsOf(loaded.config, architecture);
  return { statistics: indices(statistics), measure: indices(measure) };
}

export const statisticsJobs = (input: BlocksInput) => imageShards(input).statistics.map(statisticsJob);
export const measureJobs = (input: BlocksInput) => imageShards(input).measure.map(measureJob);
export const compositionsJobs = (input: BlocksInput) => imageShards(input).measure.map(compositionsJob);
export const orders = (blocks: readonly number[]) => ofEach(blocks.map(orderJob), files.order);
/** Numbers of the jobs that widths are divided among. */
export const descendantShards = ({ loaded, architecture }: BlocksInput) =>
  indices(shardsOf(loaded.config, architecture).descendants);
/** The descendants of all blocks that these jobs made. */
export const made = (input: BlocksInput, jobs: readonly JobId[], ...others: string[]) =>
  ofEach(jobs, ...blocksOf(input).map(files.descendants), ...others);
export const refits = (input: BlocksInput) => made(input, descendantShards(input).map(refitJob));
export const distilled = (input: BlocksInput, ...others: string[]) =>
  made(input, descendantShards(input).map(distillJob), ...others);
export const classShare: Files = { [classShareJob]: [files.classShare] };
export const blocksOf = ({ architecture }: BlocksInput) => indices(architecture.depth);
export const polishedOf = ({ loaded, architecture }: BlocksInput) =>
  polishedModels(loaded.config, hiddenUnits(architecture));
export const sparsitiesOf = (input: BlocksInput) => polishedOf(input).map(({ sparsity }) => sparsity);
export const polishJobs = (input: BlocksInput) => sparsitiesOf(input).map(removedPercent).map(polishJob);
