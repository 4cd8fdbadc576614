import { join } from 'node:path';
import { allocateWidths, type WidthChoice } from '../../../measure/allocations.ts';
import { drawChosen } from '../../../measure/chosen-compositions.ts';
import { drawCompositions } from '../../../measure/compositions.ts';
import type { Context } from '../../../measure/contexts.ts';
import { widthIn } from '../../../measure/level.ts';
import type { Scores } from '../../../measure/scores.ts';
import { hiddenUnits, type Architecture } from '../../../model/architecture.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import type { BatchHandling } from '../../common/artefacts.ts';
import { files, measureJob, type CompositionsFile } from '../artefacts.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { levelsOf } from '../shape.ts';
import { readAllScores, writeScores } from './scores.ts';
import { composedModels, sweepSplit, uploadDescendants } from './whole-models.ts';

export type CompositionsSettings = {
  readonly seed: number;
  /** How many to fit predictions to: half of them random, half chosen. */
  readonly fitted: number;
  readonly steps: readonly UniformStep[];
  readonly contexts: readonly Context[];
  /** That the widths are divided among. */
  readonly descendantJobs: number;
  readonly shard: number;
  readonly shards: number;
};

/**
 * Whole models of mixed widths, measured: random ones and ones chosen by costs, to predict a composition from single blocks, and
 * for every sparsity the best allocations of widths to blocks at no more FFN parameters than the uniform model.
 * Reads: scores of all shards, splits, teacher, descendants. Writes: compositions.json (the same in every shard) and
 * scores.safetensors of its images of the selection split. Costs: a forward pass per composition.
 */
export async function run(
  { settings, handling }: Job<CompositionsSettings, BatchHandling>,
  context: JobContext,
): Promise<Json> {
  const { steps, contexts, descendantJobs, shard, shards } = settings;
  let compositions: CompositionsFile = { random: [], chosen: [], allocated: [] };
  const scores = await sweepSplit(context, { name: 'selection', handling, shard, shards }, async (model) => {
    const { architecture } = model;
    const measured = await readAllScores(context, measureJob, shards);
    const library = await uploadDescendants(context, model, steps, {
      jobs: descendantJobs,
      beforeTraining: false,
    });
    try {
      if (library.complete)
        compositions = {
          random: randomCompositions(settings, architecture),
          chosen: chosenCompositions(settings, architecture, measured),
          allocated: allocateWidths(measured, architecture, contexts, steps),
        };
    } catch (error) {
      library.dispose();
      throw error;
    }
    const all = Object.values(compositions).flat() as WidthChoice[];
    return { models: composedModels(library, all), dispose: library.dispose };
  });
  await writeScores(context, scores);
  await writeJsonAtomic(join(context.folder, files.compositions), compositions);
  return { images: scores.ids.length, models: scores.models.size };
}

function randomCompositions(
  { seed, fitted, steps }: CompositionsSettings,
  architecture: Architecture,
): WidthChoice[] {
  const levels = levelsOf(steps, hiddenUnits(architecture));
  const drawn = drawCompositions(Math.ceil(fitted / 2), architecture.depth, levels.length, seed);
  return drawn.map((places, index) => ({
    id: `random/${index}`,
    widths: places.map((place, block) => widthIn(levels[place]!, block)),
  }));
}

function chosenCompositions(
  { seed, fitted, steps, contexts }: CompositionsSettings,
  architecture: Architecture,
  measured: ReadonlyMap<string, Scores>,
): WidthChoice[] {
  const levels = levelsOf(steps, hiddenUnits(architecture));
  return drawChosen(measured, architecture, { contexts, levels, count: Math.floor(fitted / 2), seed });
}
