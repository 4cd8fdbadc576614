import { join } from 'node:path';
import { allocateWidths, type WidthChoice } from '../../../measure/allocations.ts';
import { drawCompositions } from '../../../measure/compositions.ts';
import type { Context } from '../../../measure/contexts.ts';
import type { Architecture } from '../../../model/architecture.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import type { BatchHandling, Plain } from '../../common/artefacts.ts';
import { files, measureJob, type CompositionsFile } from '../artefacts.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { blockWidths } from '../shape.ts';
import { readAllScores, writeScores } from './scores.ts';
import { composedModels, sweepSplit, uploadDescendants } from './whole-models.ts';

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
  let compositions: CompositionsFile = { random: [], allocated: [] };
  const scores = await sweepSplit(context, { name: 'selection', handling, shard, shards }, async (model) => {
    const { architecture } = model;
    const measured = await readAllScores(context, measureJob, shards);
    const library = await uploadDescendants(context, model, steps, { refitted: false });
    try {
      const random = randomCompositions(settings, architecture);
      if (library.complete)
        compositions = { random, allocated: allocateWidths(measured, architecture, contexts, steps) };
    } catch (error) {
      library.dispose();
      throw error;
    }
    const { random, allocated } = compositions;
    return { models: composedModels(library, [...random, ...allocated]), dispose: library.dispose };
  });
  await writeScores(context, scores);
  await writeJsonAtomic(join(context.folder, files.compositions), compositions);
  return { images: scores.ids.length, models: scores.models.size };
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
