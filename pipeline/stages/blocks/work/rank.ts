import { join } from 'node:path';
import type { JobContext, Stage } from '../../../runner/contract.ts';
import type { LatencyProfile } from '../../../measure/latency.ts';
import type { ContextName } from '../../../measure/contexts.ts';
import type { Deltas } from '../../../measure/deltas.ts';
import type { Scores } from '../../../measure/scores.ts';
import type {
  AdditivityReport,
  MeasuredComposition,
  Predictor,
} from '../../../measure/predict-compositions.ts';
import type { BlockCost, Ranked } from '../../../measure/rank.ts';
import { readJson, writeJsonAtomic } from '../../../util/atomic.ts';
import { blockName, type Architecture, widthName } from '../../../model/architecture.ts';
import { readCompositions, type Composition } from './compositions.ts';
import { composeJob, files, indices, measureJob, profileJob, rankJob } from '../artefacts.ts';
import {
  allocatedOf,
  chooseAllocations,
  finalUniformId,
  measureAll,
  uniformOf,
  type Measured,
  type MeasuredAllocation,
  type MeasuredUniform,
} from './measured.ts';
import { blockWidths, descents, measuredContexts } from '../shape.ts';

/** What the rank stage writes: every measured number, and the order they lead to. */
export interface RankingFile {
  readonly teacher: Measured;
  /** The models whose blocks were exchanged one by one, the teacher first. */
  readonly contexts: readonly {
    readonly name: ContextName;
    readonly width: number;
    readonly measured: Measured;
  }[];
  /** By id; the teacher's own blocks too. */
  readonly deltas: Readonly<Record<string, Deltas>>;
  readonly uniform: readonly MeasuredUniform[];
  readonly allocated: readonly MeasuredAllocation[];
  /** Null without random compositions: none were asked for, or a block failed. */
  readonly additivity: AdditivityReport | null;
  readonly predictor: Predictor | null;
  readonly compositions: readonly (MeasuredComposition & { readonly widths: readonly number[] })[];
  readonly ranked: readonly Ranked[];
}

/**
 * Turns scores into deltas with intervals, ranks the descendants by accuracy lost per resource saved (averaged over the
 * contexts), and says how well deltas predict whole compositions. Reads: scores of all shards, compositions, latency.
 * Writes: ranking.json. Costs: nothing. Stale when: scores, latency, resource, confidence change.
 */
export const rank: Stage = {
  name: 'rank',
  version: 3,
  needsEngine: false,
  plan: ({ loaded, slots }) => [
    {
      id: rankJob,
      needs: [...indices(slots).map(measureJob), profileJob],
      wants: indices(slots).map(composeJob),
      settings: { rank: loaded.config.rank, confidence: loaded.config.measure.confidence },
      estimate: { seconds: 0.5, memoryBytes: 3e8, diskBytes: 1e6 },
    },
  ],
  async run(_job, context) {
    const { rankDescendants } = await import('../../../measure/rank.ts');
    const { readAllScores } = await import('./scores.ts');
    const { config } = context.loaded;
    const { hidden, depth } = context.architecture;
    const composed = indices(context.slots).every(
      (shard) => context.optionalInput(composeJob(shard)) !== undefined,
    );
    const models = new Map([
      ...(composed ? await readAllScores(context, composeJob) : []),
      ...(await readAllScores(context, measureJob)),
    ]);
    const measured = measureAll(models, config.measure.confidence);
    const deltas = await allDeltas(context, models);
    const costs = await blockCosts(context);
    const candidates = indices(depth).flatMap((block) =>
      descents(config, hidden).flatMap(({ width }) => {
        const id = `${blockName(block)}/${widthName(width)}`;
        const average = deltas.get(id)?.average;
        if (average === undefined) return [];
        return [{ id, block, cost: costs.get(width)!, top1DeltaPp: average.top1Pp, kl: average.klIncrease }];
      }),
    );
    const full = costs.get(hidden)!;
    const ranked = rankDescendants(
      candidates,
      indices(depth).map(() => full),
      config.rank.resource,
    );
    const { random, allocated } = composed ? await readCompositions(context) : { random: [], allocated: [] };
    const result: RankingFile = {
      teacher: measured.get('teacher')!,
      contexts: measuredContexts(config, hidden).flatMap(({ name, width }) => {
        const own = measured.get(name);
        return own === undefined ? [] : [{ name, width, measured: own }];
      }),
      deltas: Object.fromEntries(deltas),
      uniform: uniformOf(context, measured),
      allocated: await allocatedOf(
        context,
        composed ? chooseAllocations(context, allocated, measured) : [],
        models,
        measured,
      ),
      ...(await predict(context, random, models)),
      ranked,
    };
    const straddling = candidates.filter(
      ({ top1DeltaPp }) => top1DeltaPp.low <= 0 && top1DeltaPp.high >= 0,
    ).length;
    if (straddling > 0) {
      context.warn(
        `${straddling} of ${candidates.length} descendants: ${result.teacher.images} selection images cannot tell their top-1 from the teacher's (the interval holds 0); KL orders them`,
      );
    }
    await writeJsonAtomic(join(context.folder, files.ranking), result);
    return { descendants: candidates.length, dominated: ranked.filter(({ dominated }) => dominated).length };
  },
};

/** By id, the teacher's own blocks included; a block that failed has only its own. */
async function allDeltas(
  { loaded, architecture }: JobContext,
  models: ReadonlyMap<string, Scores>,
): Promise<Map<string, Deltas>> {
  const { deltasOf } = await import('../../../measure/deltas.ts');
  const { config } = loaded;
  const { hidden, depth } = architecture;
  const contexts = measuredContexts(config, hidden);
  return new Map(
    indices(depth).flatMap((block) =>
      blockWidths(config, hidden).flatMap((width) => {
        const deltas = deltasOf(models, contexts, { block, width, hidden }, config.measure.confidence);
        return deltas === undefined ? [] : [[`${blockName(block)}/${widthName(width)}`, deltas] as const];
      }),
    ),
  );
}

async function predict(
  context: JobContext,
  random: readonly Composition[],
  models: ReadonlyMap<string, Scores>,
): Promise<Pick<RankingFile, 'additivity' | 'predictor' | 'compositions'>> {
  const { predictCompositions } = await import('../../../measure/predict-compositions.ts');
  const { loaded, architecture } = context;
  const { hidden, depth, classes } = architecture;
  if (random.length === 0) return { additivity: null, predictor: null, compositions: [] };
  const found = predictCompositions({
    models,
    contexts: measuredContexts(loaded.config, hidden),
    hidden,
    classes,
    random,
    anchors: descents(loaded.config, hidden).map(({ sparsity, width }) => ({
      id: finalUniformId(context, sparsity),
      widths: indices(depth).map(() => width),
    })),
  });
  return {
    ...found,
    compositions: found.compositions.map((item, index) => ({ widths: random[index].widths, ...item })),
  };
}

/** Cost of one FFN block by width, the teacher's H included. */
export async function blockCosts(context: JobContext): Promise<Map<number, BlockCost>> {
  const { blockCosts: costsOf } = await import('../../../model/costs.ts');
  const latency = await readJson<LatencyProfile>(join(context.input(profileJob)!, files.latency));
  const architecture: Architecture = context.architecture;
  return new Map(
    latency.widths.map(({ hidden, p50 }) => [hidden, { ...costsOf(architecture, hidden), latencyMs: p50 }]),
  );
}
