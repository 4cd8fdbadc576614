import { distillInputs, recipeOf, refitInputs } from '../../recipe/recipe.ts';
import type { Stage } from '../../runner/contract.ts';
import { splitNames } from '../../../datasets/contract.ts';
import { commonFiles, indices } from '../common/artefacts.ts';
import { batchHandling, data, imageHandling, teacher } from '../common/graph.ts';
import { checked, ofEach, reads, splitFiles, teacherFiles, toldFiles, type Files } from '../common/reads.ts';
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
import * as settings from './settings.ts';
import { polishedModels, removedPercent, shardsOf } from './shape.ts';
import type { ReportHandling } from './work/report.ts';

/**
 * The method `blocks` on one page: every job, and the files it reads of which jobs. What a job's result depends on is in `settings.ts`,
 * what it does in `work/`, what it takes in `estimates.ts`, what is in its files in `artefacts.ts`.
 *
 *     data -> teacher -> statistics -> order -> refit -> distill -> measure -> compositions -> rank -> export -> report
 * Order, refit and distill are jobs of single blocks; with composed inputs those of a block follow the block before.
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
    ...indices(shardsOf(input.loaded.config).statistics).map((shard) => ({
      id: statisticsJob(shard),
      ...reads({ ...splitFiles(['calibration']), ...teacherFiles, ...checked, ...classShare }),
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
    blocksOf(input).map((block) => ({
      id: orderJob(block),
      ...reads({ ...teacherFiles, ...ofEach(statisticsJobs(input), files.statistics(block)) }),
      settings: settings.orderSettings(input, block),
      estimate: estimates.orderEstimate(input),
    })),
  work: () => import('./work/order.ts'),
};

/** Cuts a block to every width and gives each the best fc2 in closed form. */
const refit: Stage<BlocksInput> = {
  name: 'refit',
  version: 5,
  plan: (input) => {
    const { config } = input.loaded;
    const composed = refitInputs(recipeOf(config)) !== null;
    return blocksOf(input).map((block) => ({
      id: refitJob(block),
      ...reads({
        ...teacherFiles,
        ...classShare,
        [orderJob(block)]: [files.order],
        ...ofEach(statisticsJobs(input), files.statistics(block), files.heldOutTokens(block)),
        ...(composed && { ...splitFiles(['calibration']), ...refits(indices(block)) }),
      }),
      settings: settings.refitSettings(input, block),
      handling: imageHandling(input),
      estimate: estimates.refitEstimate(input, block),
    }));
  },
  work: () => import('./work/refit.ts'),
};

/** Trains a block's descendants from their refits. */
const distill: Stage<BlocksInput> = {
  name: 'distill',
  version: 6,
  plan: (input) => {
    const { config } = input.loaded;
    const composed = distillInputs(recipeOf(config)) !== null;
    return blocksOf(input).map((block) => ({
      id: distillJob(block),
      ...reads({
        ...teacherFiles,
        [refitJob(block)]: [files.descendants, files.descendantsFile],
        ...ofEach(statisticsJobs(input), files.tokens(block), files.heldOutTokens(block)),
        ...(composed && { ...splitFiles(['calibration']), ...classShare, ...distilled(indices(block)) }),
      }),
      settings: settings.distillSettings(input, block),
      handling: imageHandling(input),
      estimate: estimates.distillEstimate(input, block),
    }));
  },
  work: () => import('./work/distill.ts'),
};

/** Scores every block at every width, in every context, on the selection split. */
const measure: Stage<BlocksInput> = {
  name: 'measure',
  version: 3,
  plan: (input) =>
    indices(shardsOf(input.loaded.config).measure).map((shard) => ({
      id: measureJob(shard),
      ...reads(
        { ...splitFiles(['selection']), ...teacherFiles, ...checked },
        { ...refits(blocksOf(input)), ...distilled(blocksOf(input)) },
      ),
      settings: settings.measureSettings(input, shard),
      handling: batchHandling(input),
      estimate: estimates.measureEstimate(input),
    })),
  work: () => import('./work/measure.ts'),
};

/** Scores whole models of mixed widths: random ones, and the best allocations for every sparsity. */
const compositions: Stage<BlocksInput> = {
  name: 'compositions',
  version: 1,
  plan: (input) =>
    indices(shardsOf(input.loaded.config).measure).map((shard) => ({
      id: compositionsJob(shard),
      ...reads(
        { ...splitFiles(['selection']), ...teacherFiles, ...ofEach(measureJobs(input), files.scores) },
        distilled(blocksOf(input)),
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
    polishedOf(input).map((step) => ({
      id: polishJob(removedPercent(step.sparsity)),
      ...reads({
        ...splitFiles(['calibration', 'selection']),
        ...teacherFiles,
        ...distilled(blocksOf(input)),
      }),
      settings: settings.polishSettings(input, step),
      handling: batchHandling(input),
      estimate: estimates.polishEstimate(input, step.width),
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
  version: 7,
  needsEngine: false,
  plan: (input) => [
    {
      id: rankJob,
      ...reads(
        { ...teacherFiles, ...ofEach(measureJobs(input), files.scores), [profileJob]: [files.latency] },
        ofEach(compositionsJobs(input), files.compositions, files.scores),
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
  version: 6,
  plan: (input) => [
    {
      id: exportJob,
      folder: 'library',
      ...reads(
        {
          [rankJob]: [files.ranking],
          [profileJob]: [files.latency],
          ...splitFiles(splitNames, commonFiles.sources),
          ...toldFiles(input.inputs.classes),
        },
        {
          ...ofEach(blocksOf(input).map(orderJob), files.order),
          ...distilled(blocksOf(input), files.descendantsFile),
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
  version: 5,
  plan: (input) => {
    const sparsities = polishedOf(input).map(({ sparsity }) => sparsity);
    return [
      {
        id: reportJob,
        ...reads(
          {
            ...splitFiles(['test']),
            ...teacherFiles,
            [rankJob]: [files.ranking],
            [exportJob]: ['manifest.json'],
          },
          {
            ...refits(blocksOf(input)),
            ...distilled(blocksOf(input), files.descendantsFile, files.history),
            ...ofEach(sparsities.map(removedPercent).map(polishJob), files.descendants, files.polished),
          },
        ),
        settings: settings.reportSettings(input, sparsities),
        handling: { ...batchHandling(input), name: input.loaded.name } satisfies ReportHandling,
        estimate: estimates.reportEstimate,
      },
    ];
  },
  work: () => import('./work/report.ts'),
};

const statisticsJobs = ({ loaded }: BlocksInput) =>
  indices(shardsOf(loaded.config).statistics).map(statisticsJob);
const measureJobs = ({ loaded }: BlocksInput) => indices(shardsOf(loaded.config).measure).map(measureJob);
const compositionsJobs = ({ loaded }: BlocksInput) =>
  indices(shardsOf(loaded.config).measure).map(compositionsJob);
const refits = (blocks: readonly number[]) => ofEach(blocks.map(refitJob), files.descendants);
const distilled = (blocks: readonly number[], ...others: string[]) =>
  ofEach(blocks.map(distillJob), files.descendants, ...others);
const classShare: Files = { [classShareJob]: [files.classShare] };
const blocksOf = ({ architecture }: BlocksInput) => indices(architecture.depth);
const polishedOf = ({ loaded, architecture }: BlocksInput) =>
  polishedModels(loaded.config, architecture.hidden);

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
