/**
 * A method of its own, to see what one needs: its classes are cut into parts, the teacher is measured on the images of each,
 * and a last job puts the counts together. What it shares with every other method it takes from `stages/common`.
 */
import { fileURLToPath } from 'node:url';
import type { JobPlan, Stage } from '../../../pipeline/runner/contract.ts';
import {
  indices,
  splitsJob,
  teacherCheckJob,
  teacherJob,
} from '../../../pipeline/stages/common/artefacts.ts';
import { batchHandling, data, teacher } from '../../../pipeline/stages/common/graph.ts';
import type { Method } from '../../../pipeline/stages/common/method.ts';
import { skeletonSchema, type SkeletonConfig, type SkeletonInput } from './schema.ts';
import type { PartSettings } from './work/part.ts';
import type { VoteSettings } from './work/vote.ts';

export { prepareWorker } from '../../../pipeline/stages/common/graph.ts';

const estimate = { seconds: 1, memoryBytes: 1e8, diskBytes: 1e3 };

const part: Stage<SkeletonInput> = {
  name: 'part',
  version: 1,
  plan: (input) => {
    const { count } = input.loaded.config.parts;
    return indices(count).map((index): JobPlan => ({
      id: `part/${index}`,
      needs: [splitsJob, teacherJob, teacherCheckJob],
      settings: { index, count } satisfies PartSettings,
      handling: batchHandling(input),
      estimate,
    }));
  },
  work: () => import('./work/part.ts'),
};

const vote: Stage<SkeletonInput> = {
  name: 'vote',
  version: 1,
  needsEngine: false,
  plan: ({ loaded }) => {
    const parts = indices(loaded.config.parts.count).map((index) => `part/${index}`);
    return [{ id: 'vote/all', needs: parts, settings: { parts } satisfies VoteSettings, estimate }];
  },
  work: () => import('./work/vote.ts'),
};

export const stages = [data, teacher, part, vote];

export const skeleton: Method<SkeletonConfig> = {
  name: 'skeleton',
  schema: skeletonSchema,
  check: ({ parts }) =>
    parts.count > 10 ? [{ path: ['parts', 'count'], message: `cuts 10 classes into ${parts.count}` }] : [],
  stages,
  registry: fileURLToPath(import.meta.url),
};
