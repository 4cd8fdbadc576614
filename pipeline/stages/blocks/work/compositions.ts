import { join } from 'node:path';
import type { JobContext, Stage } from '../../../runner/contract.ts';
import type { ContextName } from '../../../measure/contexts.ts';
import type { Scores } from '../../../measure/scores.ts';
import { readJson, writeJsonAtomic } from '../../../util/atomic.ts';
import {
  composeJob,
  distillJob,
  files,
  indices,
  jobIndex,
  measureJob,
  shardRange,
  splitsJob,
  teacherJob,
} from '../artefacts.ts';
import { sweepSeconds } from './measure.ts';
import { blockWidths, descents, measuredContexts } from '../shape.ts';

/** A choice of one width for every block. */
export interface Composition {
  /** In score files. */
  readonly id: string;
  /** Hidden units by block. */
  readonly widths: readonly number[];
}

export interface AllocatedComposition extends Composition {
  /** Whose divergences were minimised: a context's, or their average; `uniform` where nothing diverged less than that. */
  readonly costs: ContextName | 'average' | 'uniform';
  /** Of the uniform model it must not exceed. */
  readonly sparsity: number;
  /** Of all FFN blocks: its own, and the uniform model's, which was its budget. */
  readonly ffnParams: number;
  readonly budgetParams: number;
}

/** Both empty when a block failed: then there are no whole models. */
export interface CompositionsFile {
  readonly random: readonly Composition[];
  /** Candidates: for each sparsity one for every kind of costs, if it is a model of its own. */
  readonly allocated: readonly AllocatedComposition[];
}

/**
 * Whole models of mixed widths, measured: random ones, to see how well single-block deltas predict a composition, and
 * for every sparsity the best allocations of widths to blocks at no more FFN parameters than the uniform model.
 * Reads: scores of all shards, splits, teacher, descendants. Writes: compositions.json (the same in every shard) and
 * scores.safetensors of its images of the selection split. Costs: a forward pass per composition.
 */
export const compose: Stage = {
  name: 'compose',
  version: 1,
  plan: ({ loaded, architecture, engine, slots, inputs }) => {
    const { config } = loaded;
    const images = config.data.splits.selection;
    const candidates = 1 + measuredContexts(config, architecture.hidden).length;
    const passes =
      1 + config.measure.compositions + candidates * descents(config, architecture.hidden).length;
    return indices(slots).map((shard) => ({
      id: composeJob(shard),
      needs: [splitsJob, teacherJob, ...indices(slots).map(measureJob)],
      wants: indices(architecture.depth).map(distillJob),
      settings: {
        shard,
        shards: slots,
        seed: config.seed,
        compositions: config.measure.compositions,
        mean: inputs.preprocessing.mean,
        std: inputs.preprocessing.std,
      },
      estimate: {
        seconds: 2 + sweepSeconds({ architecture, engine, slots, passes, images }),
        memoryBytes: 8e8,
        diskBytes: images * 11 * passes,
      },
    }));
  },
  async run(job, context) {
    const { sweep } = await import('../../../measure/sweep.ts');
    const { openSplit, openTeacher } = await import('./open.ts');
    const { uploadDescendants } = await import('./whole-models.ts');
    const { readAllScores, writeScores } = await import('./scores.ts');
    const { config } = context.loaded;
    const model = await openTeacher(context);
    const library = await uploadDescendants(context, { refitted: false });
    const compositions: CompositionsFile = library.complete
      ? {
          random: await randomCompositions(context),
          allocated: await allocateWidths(context, await readAllScores(context, measureJob)),
        }
      : { random: [], allocated: [] };
    const split = await openSplit(context, 'selection');
    const { start, end } = shardRange(split.items.length, jobIndex(job.id), context.slots);
    const items = split.items.slice(start, end);
    const { composed } = await import('./composed.ts');
    const scores = await sweep({
      model,
      batches: split.tensorBatches(items, config.measure.batchSize),
      images: items.length,
      descendants: [],
      uniform: composed(model, library, [...compositions.random, ...compositions.allocated]),
      signal: context.signal,
      onProgress: (progress) => context.progress(progress),
    });
    model.dispose();
    library.dispose();
    await writeScores(context, scores);
    await writeJsonAtomic(join(context.folder, files.compositions), compositions);
    return { images: items.length, models: scores.models.size };
  },
};

export async function readCompositions(context: JobContext): Promise<CompositionsFile> {
  const folder = context.optionalInput(composeJob(0));
  return folder === undefined
    ? { random: [], allocated: [] }
    : readJson<CompositionsFile>(join(folder, files.compositions));
}

async function randomCompositions({ loaded, architecture }: JobContext): Promise<Composition[]> {
  const { drawCompositions } = await import('../../../measure/compositions.ts');
  const { config } = loaded;
  const widths = blockWidths(config, architecture.hidden);
  return drawCompositions(config.measure.compositions, architecture.depth, widths.length, config.seed).map(
    (levels, index) => ({
      id: `random/${index}`,
      widths: levels.map((level) => widths[level]),
    }),
  );
}

/**
 * The cost of a width is the divergence from the teacher that it adds. Not its top-1 delta: among mild descendants that is
 * a handful of flipped images, so its noise, summed over blocks, would choose the widths; KL uses every probability of
 * every image, and no label, so choosing by it fits the labels of this split less.
 *
 * What a block costs depends on how narrow the others are, and no single context is right for every budget: in the
 * sparsest one a narrow block may even repair what the others did, which misleads a mild budget. So each context gives a
 * candidate, their average one more; all are measured, and `chooseAllocations` keeps the one that diverges least.
 */
async function allocateWidths(
  { loaded, architecture }: JobContext,
  models: ReadonlyMap<string, Scores>,
): Promise<AllocatedComposition[]> {
  const { allocate } = await import('../../../allocate/allocate.ts');
  const { deltasOf } = await import('../../../measure/deltas.ts');
  const { blockCosts } = await import('../../../model/costs.ts');
  const { config } = loaded;
  const { hidden, depth } = architecture;
  const contexts = measuredContexts(config, hidden);
  const widths = blockWidths(config, hidden);
  const params = (width: number) => blockCosts(architecture, width).params;
  const deltas = indices(depth).map((block) =>
    widths.map((width) => deltasOf(models, contexts, { block, width, hidden }, config.measure.confidence)!),
  );
  return descents(config, hidden).flatMap(({ sparsity, width }) => {
    const budgetParams = depth * params(width);
    const seen = new Set([indices(depth).fill(width).join()]);
    return [...contexts.map(({ name }) => name), 'average' as const].flatMap((costs) => {
      const choices = deltas.map((block) =>
        block.map((item, level) => ({ cost: item[costs]!.klIncrease, resource: params(widths[level]) })),
      );
      // The uniform model itself fits, so there always is an allocation.
      const { choice, resource } = allocate(choices, budgetParams)!;
      const chosen = choice.map((level) => widths[level]);
      if (seen.has(chosen.join())) return [];
      seen.add(chosen.join());
      const id = `allocated/${sparsity}/${costs}`;
      return [{ id, costs, sparsity, widths: chosen, ffnParams: resource, budgetParams }];
    });
  });
}
