import { join } from 'node:path';
import { allocateWidths, type WidthChoice } from '../../../measure/allocations.ts';
import { drawCompositions } from '../../../measure/compositions.ts';
import type { Context } from '../../../measure/contexts.ts';
import { sweep } from '../../../measure/sweep.ts';
import type { Architecture } from '../../../model/architecture.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { shardRange, type BatchHandling, type Plain } from '../../common/artefacts.ts';
import { openSplit, openTeacher } from '../../common/open.ts';
import { files, measureJob, type CompositionsFile } from '../artefacts.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { blockWidths } from '../shape.ts';
import { readAllScores, writeScores } from './scores.ts';
import { composedModels, uploadDescendants } from './whole-models.ts';

export type CompositionsSettings = {
  readonly seed: number;
  /** How many random ones. */
  readonly random: number;
  readonly steps: readonly UniformStep[];
  readonly contexts: readonly Plain<Context>[];
  readonly shard: number;
  readonly shards: number;
};

/**
 * Whole models of mixed widths, measured: random ones, to see how well single-block deltas predict a composition, and
 * for every sparsity the best allocations of widths to blocks at no more FFN parameters than the uniform model.
 * Reads: scores of all shards, splits, teacher, descendants. Writes: compositions.json (the same in every shard) and
 * scores.safetensors of its images of the selection split. Costs: a forward pass per composition.
 */
export async function run(
  { settings, handling }: Job<CompositionsSettings, BatchHandling>,
  context: JobContext,
): Promise<Json> {
  const { steps, contexts, shard, shards } = settings;
  const { images, batchSize } = handling;
  const model = await openTeacher(context);
  const { architecture } = model;
  const library = await uploadDescendants(context, model, steps, { refitted: false });
  const compositions: CompositionsFile = library.complete
    ? {
        random: randomCompositions(settings, architecture),
        allocated: allocateWidths(
          await readAllScores(context, measureJob, shards),
          architecture,
          contexts,
          steps,
        ),
      }
    : { random: [], allocated: [] };
  const split = await openSplit(context, 'selection', images);
  const { start, end } = shardRange(split.items.length, shard, shards);
  const items = split.items.slice(start, end);
  const scores = await sweep({
    model,
    batches: split.tensorBatches(items, batchSize),
    images: items.length,
    descendants: [],
    models: composedModels(library, [...compositions.random, ...compositions.allocated]),
    signal: context.signal,
    onProgress: (progress) => context.progress(progress),
  });
  model.dispose();
  library.dispose();
  await writeScores(context, scores);
  await writeJsonAtomic(join(context.folder, files.compositions), compositions);
  return { images: items.length, models: scores.models.size };
}

function randomCompositions(
  { seed, random, steps }: CompositionsSettings,
  { depth, hidden }: Architecture,
): WidthChoice[] {
  const widths = blockWidths(steps, hidden);
  return drawCompositions(random, depth, widths.length, seed).map((levels, index) => ({
    id: `random/${index}`,
    widths: levels.map((level) => widths[level]!),
  }));
}
