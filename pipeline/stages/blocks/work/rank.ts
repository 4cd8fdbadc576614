import { join } from 'node:path';
import type { BlocksConfig } from '../schema.ts';
import { besideUniform, chooseAllocations } from '../../../measure/allocations.ts';
import type { Context } from '../../../measure/contexts.ts';
import { deltasOf, type Deltas } from '../../../measure/deltas.ts';
import { latencyOf, type LatencyProfile } from '../../../measure/latency.ts';
import { widthIn, widthsAt } from '../../../measure/level.ts';
import { finalUniformId, measureAll, measuredOf, uniformOf } from '../../../measure/measured.ts';
import { predictCompositions } from '../../../measure/predict-compositions.ts';
import type { BlockCost } from '../../../measure/descendant.ts';
import { rankDescendants } from '../../../measure/rank.ts';
import { measureNames, type MeasureKind } from '../../../measure/measure-names.ts';
import type { Scores } from '../../../measure/scores.ts';
import {
  blockName,
  blockTokens,
  blockWidth,
  hiddenUnits,
  widthName,
  type Architecture,
} from '../../../model/architecture.ts';
import { blockCosts } from '../../../model/costs.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { readJson, writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { indices } from '../../common/artefacts.ts';
import { readTeacherInfo } from '../../common/open.ts';
import {
  compositionsJob,
  files,
  measureJob,
  profileJob,
  type CompositionsFile,
  type RankingFile,
} from '../artefacts.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { levelsOf } from '../shape.ts';
import { readAllScores } from './scores.ts';

export type RankSettings = BlocksConfig['rank'] & {
  readonly confidence: number;
  readonly steps: readonly UniformStep[];
  readonly contexts: readonly Context[];
  readonly distilled: boolean;
  readonly shards: number;
  /** Classes of the data, where the model answers with features. */
  readonly classes?: number | undefined;
  /** Where that is not their classes. */
  readonly kind?: MeasureKind | undefined;
};

/**
 * Turns scores into deltas with intervals, ranks the descendants by accuracy lost per resource saved (averaged over the
 * contexts), and says how well deltas predict whole compositions. Reads: scores of all shards, compositions, latency.
 * Writes: ranking.json. Costs: nothing.
 */
export async function run({ settings }: Job<RankSettings>, context: JobContext): Promise<Json> {
  const { confidence, steps, resource, shards } = settings;
  const { architecture } = await readTeacherInfo(context);
  const hiddens = hiddenUnits(architecture);
  const composed = await readCompositions(context, shards);
  const models = new Map([
    ...(composed?.scores ?? []),
    ...(await readAllScores(context, measureJob, shards)),
  ]);
  const measured = measureAll(models, confidence, architecture);
  const costs = await costsByWidth(context, architecture);
  const descendants = new Map(
    [...allDeltas(settings, hiddens, models)].map(([id, { block, width, deltas }]) => [
      id,
      { ...costs(block, width), deltas },
    ]),
  );
  const candidates = hiddens.flatMap((_, block) =>
    steps.flatMap((step) => {
      const id = `${blockName(block)}/${widthName(widthIn(step, block))}`;
      const found = descendants.get(id);
      return found === undefined ? [] : [{ id, block, ...found }];
    }),
  );
  const ranked = rankDescendants(
    candidates,
    hiddens.map((hidden, block) => costs(block, hidden)),
    resource,
  );
  const places = new Map(ranked.map((place) => [place.id, place]));
  const finalId = (sparsity: number) => finalUniformId(sparsity, settings.distilled);
  const chosen =
    composed === undefined
      ? []
      : chooseAllocations(composed.allocated, measured, architecture, steps, finalId);
  const result: RankingFile = {
    teacher: measuredOf(measured, 'teacher'),
    contexts: settings.contexts.flatMap((one) => {
      const own = measured.get(one.name);
      return own === undefined ? [] : [{ ...one, measured: own }];
    }),
    descendants: Object.fromEntries(
      [...descendants].map(([id, measured]) => [id, { measured, ranked: places.get(id) ?? null }]),
    ),
    uniform: uniformOf(
      steps.map(({ sparsity }) => sparsity),
      models,
      measured,
      confidence,
    ),
    allocated: besideUniform(chosen, models, measured, confidence, finalId),
    ...predict(settings, architecture, composed, models),
  };
  const straddling = candidates.filter(
    ({ deltas: { average } }) => average.top1Pp.low <= 0 && average.top1Pp.high >= 0,
  ).length;
  if (straddling > 0) {
    const names = measureNames(settings.kind);
    context.warn(
      `${straddling} of ${candidates.length} descendants: ${result.teacher.images} selection images cannot tell their ${names.top1} from the teacher's (the interval holds 0); ${names.divergence} orders them`,
    );
  }
  await writeJsonAtomic(join(context.folder, files.ranking), result);
  return { descendants: candidates.length, dominated: ranked.filter(({ dominated }) => dominated).length };
}

/** Undefined where they failed: then there are deltas all the same. */
async function readCompositions(context: JobContext, shards: number) {
  const paths = indices(shards).map((shard) =>
    context.optionalInput(compositionsJob(shard), files.compositions),
  );
  const [path] = paths;
  if (path === undefined || paths.includes(undefined)) return undefined;
  return {
    ...(await readJson<CompositionsFile>(path)),
    scores: await readAllScores(context, compositionsJob, shards),
  };
}

/** By id, the teacher's own blocks included; of a width that failed there are none. */
function allDeltas(
  { steps, contexts, confidence }: RankSettings,
  hiddens: readonly number[],
  models: ReadonlyMap<string, Scores>,
): Map<string, { readonly block: number; readonly width: number; readonly deltas: Deltas }> {
  const levels = levelsOf(steps, hiddens);
  return new Map(
    hiddens.flatMap((hidden, block) =>
      levels.flatMap((level) => {
        const width = widthIn(level, block);
        const deltas = deltasOf(models, contexts, { block, width, hidden }, confidence);
        return deltas === undefined
          ? []
          : [[`${blockName(block)}/${widthName(width)}`, { block, width, deltas }] as const];
      }),
    ),
  );
}

function predict(
  { contexts, steps, distilled, classes }: RankSettings,
  architecture: Architecture,
  composed: Pick<CompositionsFile, 'random' | 'chosen'> | undefined,
  models: ReadonlyMap<string, Scores>,
): Pick<RankingFile, 'additivity' | 'predictor' | 'compositions'> {
  const { random, chosen } = composed ?? { random: [], chosen: [] };
  if (random.length === 0) return { additivity: null, predictor: null, compositions: [] };
  const found = predictCompositions({
    models,
    contexts,
    hiddens: hiddenUnits(architecture),
    classes: classes ?? architecture.classes,
    random,
    chosen,
    anchors: steps.map(({ sparsity, ...level }) => ({
      id: finalUniformId(sparsity, distilled),
      widths: widthsAt(level, architecture.depth),
    })),
  });
  return {
    ...found,
    compositions: found.compositions.map((item, index) => ({ widths: random[index]!.widths, ...item })),
  };
}

/** Cost of a block's FFN by its hidden units, the teacher's included. */
async function costsByWidth(
  context: JobContext,
  architecture: Architecture,
): Promise<(block: number, hidden: number) => BlockCost> {
  const profile = await readJson<LatencyProfile>(context.input(profileJob, files.latency));
  return (block, hidden) => {
    const { p50, p90 } = latencyOf(profile, {
      hidden,
      width: blockWidth(architecture, block),
      tokens: blockTokens(architecture, block),
    });
    const { params, macs } = blockCosts(architecture, block, hidden);
    return { params, macs, latencyMs: { p50, p90 } };
  };
}
