import { recipeOf, refitInputs } from '../../recipe/recipe.ts';
import type { Stage } from '../../runner/contract.ts';
import { splitNames } from '../../../datasets/contract.ts';
import { commonFiles } from '../common/artefacts.ts';
import { measureKindOf } from '../common/answering.ts';
import { batchHandling, data, imageHandling, teacher } from '../common/graph.ts';
import { checked, judgeFiles, ofEach, reads, splitFiles, teacherFiles, toldFiles } from '../common/reads.ts';
import type { BlocksInput } from './schema.ts';
import {
  classShareJob,
  compositionsJob,
  distillJob,
  exportJob,
  files,
  measureJob,
  orderJob,
  polishJob,
  profileJob,
  rankJob,
  refitJob,
  reportJob,
  statisticsJob,
} from './artefacts.ts';
import * as estimates from './estimates.ts';
import * as jobs from './jobs.ts';
import * as settings from './settings.ts';
import { removedPercent } from './shape.ts';
import type { RefitHandling } from './work/fit.ts';
import type { PolishHandling } from './work/polish.ts';
import type { ReportHandling } from './work/report.ts';

/**
 * The method `blocks` on one page: every job, and the files it reads of which jobs. What a job's result depends on is in `settings.ts`,
 * what it does in `work/`, what it takes in `estimates.ts`, what is in its files in `artefacts.ts`.
 *
 *     data -> teacher -> statistics -> order -> refit -> distill -> measure -> compositions -> rank -> export -> report
 * Orders are jobs of single blocks; refit and distill are jobs of some widths of all blocks.
 */

/** One pass of the teacher over the calibration images, cut into shards, and how much its class tokens count. */
const statistics: Stage<BlocksInput> = {
  name: 'statistics',
  version: 3,
  plan: (input) => [
    {
      id: classShareJob,
      ...reads({ ...splitFiles(['calibration']), ...teacherFiles, ...checked }),
      settings: settings.classShareSettings(input),
      handling: imageHandling(input),
      estimate: estimates.classShareEstimate(input),
    },
    ...jobs.imageShards(input).statistics.map((shard) => ({
      id: statisticsJob(shard),
      ...reads({ ...splitFiles(['calibration']), ...teacherFiles, ...checked, ...jobs.classShare }),
      settings: settings.statisticsSettings(input, shard),
      handling: imageHandling(input),
      estimate: estimates.statisticsEstimate(input),
    })),
  ],
  work: () => import('./work/statistics.ts'),
};

/** Sorts a block's hidden units, most worth keeping first. */
const order: Stage<BlocksInput> = {
  name: 'order',
  version: 2,
  needsEngine: false,
  plan: (input) =>
    jobs.blocksOf(input).map((block) => ({
      id: orderJob(block),
      ...reads({ ...teacherFiles, ...ofEach(jobs.statisticsJobs(input), files.statistics(block)) }),
      settings: settings.orderSettings(input, block),
      estimate: estimates.orderEstimate(input, block),
    })),
  work: () => import('./work/order.ts'),
};

/** Cuts every block to a job's widths, one after the other, and gives each the best fc2 in closed form. */
const refit: Stage<BlocksInput> = {
  name: 'refit',
  version: 6,
  plan: (input) => {
    const { config } = input.loaded;
    const composed = refitInputs(recipeOf(config)) !== null;
    const blocks = jobs.blocksOf(input);
    return jobs.descendantShards(input).map((shard) => ({
      id: refitJob(shard),
      ...reads({
        ...teacherFiles,
        ...jobs.classShare,
        ...jobs.orders(blocks),
        ...ofEach(
          jobs.statisticsJobs(input),
          ...blocks.flatMap((block) => [files.statistics(block), files.heldOutTokens(block)]),
        ),
        ...(composed && splitFiles(['calibration'])),
      }),
      settings: settings.refitSettings(input, shard),
      handling: {
        ...imageHandling(input),
        streamBytes: config.inputs.diskGB * 1e9,
      } satisfies RefitHandling,
      estimate: estimates.refitEstimate(input, shard),
    }));
  },
  work: () => import('./work/refit.ts'),
};

/** Trains a job's widths from their refits, all blocks at once. */
const distill: Stage<BlocksInput> = {
  name: 'distill',
  version: 7,
  plan: (input) =>
    jobs.descendantShards(input).map((shard) => ({
      id: distillJob(shard),
      ...reads({
        ...teacherFiles,
        ...jobs.made(input, [refitJob(shard)], files.descendantsFile),
        ...(input.loaded.config.distill.enabled && splitFiles(['calibration'])),
      }),
      settings: settings.distillSettings(input, shard),
      handling: imageHandling(input),
      estimate: estimates.distillEstimate(input, shard),
    })),
  work: () => import('./work/distill.ts'),
};

/** Scores every block at every width, in every context, on the selection split. */
const measure: Stage<BlocksInput> = {
  name: 'measure',
  version: 4,
  plan: (input) =>
    jobs.imageShards(input).measure.map((shard) => ({
      id: measureJob(shard),
      ...reads(
        { ...splitFiles(['selection']), ...teacherFiles, ...judgeFiles(input), ...checked },
        { ...jobs.orders(jobs.blocksOf(input)), ...jobs.refits(input), ...jobs.distilled(input) },
      ),
      settings: settings.measureSettings(input, shard),
      handling: batchHandling(input),
      estimate: estimates.measureEstimate(input),
    })),
  work: () => import('./work/measure.ts'),
};

/** Scores whole models of mixed widths: random and chosen ones to predict by, and the best allocations for every sparsity. */
const compositions: Stage<BlocksInput> = {
  name: 'compositions',
  version: 2,
  plan: (input) =>
    jobs.imageShards(input).measure.map((shard) => ({
      id: compositionsJob(shard),
      ...reads(
        {
          ...splitFiles(['selection']),
          ...teacherFiles,
          ...judgeFiles(input),
          ...ofEach(jobs.measureJobs(input), files.scores),
        },
        jobs.distilled(input),
      ),
      settings: settings.compositionsSettings(input, shard),
      handling: batchHandling(input),
      estimate: estimates.compositionsEstimate(input),
    })),
  work: () => import('./work/compositions.ts'),
};

/** Distils whole models end to end, apart from the library. */
const polish: Stage<BlocksInput> = {
  name: 'polish',
  version: 2,
  plan: (input) =>
    jobs.polishedOf(input).map((step) => ({
      id: polishJob(removedPercent(step.sparsity)),
      ...reads({
        ...splitFiles(['calibration', 'selection']),
        ...teacherFiles,
        ...judgeFiles(input),
        ...jobs.made(input, [distillJob(settings.polishSettings(input, step).shard)]),
      }),
      settings: settings.polishSettings(input, step),
      handling: { ...batchHandling(input), measure: measureKindOf(input) } satisfies PolishHandling,
      estimate: estimates.polishEstimate(input, step),
    })),
  work: () => import('./work/polish.ts'),
};

/** Times a block at every width on this machine, alone on it. */
const profile: Stage<BlocksInput> = {
  name: 'profile',
  version: 1,
  plan: (input) => [
    {
      id: profileJob,
      needs: [],
      settings: settings.profileSettings(input),
      exclusive: true,
      estimate: estimates.profileEstimate,
    },
  ],
  work: () => import('./work/profile.ts'),
};

/** Turns scores into deltas, deltas into a ranking. */
const rank: Stage<BlocksInput> = {
  name: 'rank',
  version: 9,
  needsEngine: false,
  plan: (input) => [
    {
      id: rankJob,
      ...reads(
        { ...teacherFiles, ...ofEach(jobs.measureJobs(input), files.scores), [profileJob]: [files.latency] },
        ofEach(jobs.compositionsJobs(input), files.compositions, files.scores),
      ),
      settings: settings.rankSettings(input),
      estimate: estimates.rankEstimate,
    },
  ],
  work: () => import('./work/rank.ts'),
};

/** Writes the library: what is handed on. */
const exportLibrary: Stage<BlocksInput> = {
  name: 'export',
  version: 7,
  plan: (input) => [
    {
      id: exportJob,
      folder: 'library',
      ...reads(
        {
          [rankJob]: [files.ranking],
          [profileJob]: [files.latency],
          ...splitFiles(splitNames, commonFiles.sources),
          ...toldFiles(input),
          ...judgeFiles(input),
        },
        {
          ...jobs.orders(jobs.blocksOf(input)),
          ...jobs.distilled(input, files.descendantsFile),
        },
      ),
      settings: settings.exportSettings(input),
      estimate: estimates.exportEstimate(input),
    },
  ],
  work: () => import('./work/export.ts'),
};

/** Touches the test split, once. */
const report: Stage<BlocksInput> = {
  name: 'report',
  version: 6,
  plan: (input) => [
    {
      id: reportJob,
      ...reads(
        {
          ...splitFiles(['test']),
          ...teacherFiles,
          ...judgeFiles(input),
          [rankJob]: [files.ranking],
          [exportJob]: ['manifest.json'],
        },
        {
          ...jobs.orders(jobs.blocksOf(input)),
          ...jobs.refits(input),
          ...jobs.distilled(input, files.history),
          ...ofEach(jobs.polishJobs(input), files.polishedBlocks, files.polished),
        },
      ),
      settings: settings.reportSettings(input, jobs.sparsitiesOf(input)),
      handling: { ...batchHandling(input), name: input.loaded.name } satisfies ReportHandling,
      estimate: estimates.reportEstimate(input),
    },
  ],
  work: () => import('./work/report.ts'),
};

/** In the order data flows through them. Importing this loads no engine: a stage's work is imported when it runs. */
export const stages: readonly Stage<BlocksInput>[] = [
  data,
  teacher,
  statistics,
  order,
  refit,
  distill,
  measure,
  compositions,
  polish,
  profile,
  rank,
  exportLibrary,
  report,
];

export { prepareWorker } from '../common/graph.ts';
