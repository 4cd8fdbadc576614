import { join } from 'node:path';
import type { JobContext, Stage } from '../runner/contract.ts';
import type { LatencyProfile } from '../measure/latency.ts';
import type { SweepScores } from '../measure/scores.ts';
import type { BlockCost, Ranked } from '../library/rank.ts';
import { readJson, writeJsonAtomic } from '../util/atomic.ts';
import { blockName, type Architecture, widthName } from '../model/architecture.ts';
import { files, indices, measureJob, profileJob, rankJob } from './jobs.ts';
import { measureAll, uniformOf, type Measured } from './measured.ts';
import { descents } from './widths.ts';

/** What the rank stage writes: every measured number, and the order they lead to. */
export interface RankingFile {
  readonly teacher: Measured;
  readonly descendants: Readonly<Record<string, Measured>>;
  readonly uniform: readonly {
    readonly sparsity: number;
    readonly refit?: Measured;
    readonly distilled?: Measured;
  }[];
  readonly ranked: readonly Ranked[];
}

/**
 * Turns scores into deltas with intervals and ranks the descendants by accuracy lost per resource saved.
 * Reads: scores of all shards, latency. Writes: ranking.json. Costs: nothing. Stale when: scores, latency, resource,
 * confidence change.
 */
export const rank: Stage = {
  name: 'rank',
  version: 1,
  needsEngine: false,
  plan: ({ loaded, slots }) => [
    {
      id: rankJob,
      needs: [...indices(slots).map(measureJob), profileJob],
      settings: { rank: loaded.config.rank, confidence: loaded.config.measure.confidence },
      estimate: { seconds: 0.5, memoryBytes: 3e8, diskBytes: 1e6 },
    },
  ],
  async run(_job, context) {
    const { rankDescendants } = await import('../library/rank.ts');
    const { mergeSweeps } = await import('../measure/scores.ts');
    const { config } = context.loaded;
    const { models } = mergeSweeps(
      await Promise.all(indices(context.slots).map((shard) => readScores(context, shard))),
    );
    const measured = await measureAll(models, config.measure.confidence);
    const costs = await blockCosts(context);
    const steps = descents(config, context.architecture.hidden);
    const candidates = indices(context.architecture.depth).flatMap((block) =>
      steps.flatMap(({ width }) => {
        const id = `${blockName(block)}/${widthName(width)}`;
        const result = measured.get(id);
        if (result === undefined) return [];
        return [{ id, block, cost: costs.get(width)!, top1DeltaPp: result.top1DeltaPp, kl: result.kl }];
      }),
    );
    const full = costs.get(context.architecture.hidden)!;
    const ranked = rankDescendants(
      candidates,
      indices(context.architecture.depth).map(() => full),
      config.rank.resource,
    );
    const result: RankingFile = {
      teacher: measured.get('teacher')!,
      descendants: Object.fromEntries(candidates.map(({ id }) => [id, measured.get(id)!])),
      uniform: uniformOf(context, measured),
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

async function readScores(context: JobContext, shard: number): Promise<SweepScores> {
  const { openSafetensors } = await import('../model/safetensors.ts');
  const { scoresFromArrays } = await import('../measure/scores.ts');
  const file = await openSafetensors(join(context.input(measureJob(shard))!, files.scores));
  const arrays: Record<string, Uint8Array | Float32Array> = {};
  for (const name of file.names) arrays[name] = (await file.readTyped(name)) as Uint8Array | Float32Array;
  const ids = JSON.parse(file.metadata.ids) as string[];
  await file.close();
  return { ids, models: scoresFromArrays(arrays) };
}

/** Cost of one FFN block by width, the teacher's H included. */
export async function blockCosts(context: JobContext): Promise<Map<number, BlockCost>> {
  const { blockCosts: costsOf } = await import('../model/costs.ts');
  const latency = await readJson<LatencyProfile>(join(context.input(profileJob)!, files.latency));
  const architecture: Architecture = context.architecture;
  return new Map(
    latency.widths.map(({ hidden, p50 }) => [hidden, { ...costsOf(architecture, hidden), latencyMs: p50 }]),
  );
}
