import { scoreId, type Context } from '../../../measure/contexts.ts';
import { widthIn } from '../../../measure/level.ts';
import type { SweepContext, SweepVariant } from '../../../measure/sweep.ts';
import { hiddenUnits, type Architecture } from '../../../model/architecture.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import type { Json } from '../../../util/hash.ts';
import type { BatchHandling } from '../../common/artefacts.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { levelsOf } from '../shape.ts';
import { writeScores } from './scores.ts';
import { sweepSplit, uniformModels, uploadDescendants, type UploadedDescendants } from './whole-models.ts';

export type MeasureSettings = {
  readonly steps: readonly UniformStep[];
  /** The teacher's first. */
  readonly contexts: readonly Context[];
  /** Blocks are trained after the refit. */
  readonly distilled: boolean;
  /** That the widths are divided among. */
  readonly descendantJobs: number;
  readonly shard: number;
  readonly shards: number;
};

/**
 * Scores on the selection split, per image: the teacher; every block at every width (the teacher's among them) in each
 * context; and the uniform models as they were cut, refitted and distilled. In every context the activations before a block are
 * computed once for all of its widths. Reads: splits, teacher, orders, descendants. Writes: scores.safetensors. A width whose
 * distillation failed is left out, and with it whatever needs all widths: the contexts but the teacher's. Costs: about 0.55 forward passes per block, width and context.
 */
export async function run(
  { settings, handling }: Job<MeasureSettings, BatchHandling>,
  context: JobContext,
): Promise<Json> {
  const { steps, contexts, distilled, descendantJobs, shard, shards } = settings;
  const scores = await sweepSplit(context, { name: 'selection', handling, shard, shards }, async (model) => {
    const library = await uploadDescendants(context, model, steps, {
      jobs: descendantJobs,
      beforeTraining: true,
    });
    const [teacher, ...others] = contextsToSweep(contexts, model.architecture, steps, library);
    return {
      descendants: teacher?.variants ?? [],
      contexts: others,
      models: uniformModels(library, steps, distilled),
      dispose: library.dispose,
    };
  });
  await writeScores(context, scores);
  return { images: scores.ids.length, models: scores.models.size };
}

/** Every context with all the exchanges to be scored in it, in their order. */
export function contextsToSweep(
  contexts: readonly Context[],
  architecture: Architecture,
  steps: readonly UniformStep[],
  library: Pick<UploadedDescendants, 'complete' | 'final' | 'ffn'>,
): SweepContext[] {
  const hiddens = hiddenUnits(architecture);
  const levels = levelsOf(steps, hiddens).filter(
    ({ width }, place) => place === 0 || library.final.has(width),
  );
  const exchanges = (of: Context): SweepVariant[] =>
    hiddens.flatMap((_, block) =>
      levels
        .map((level) => widthIn(level, block))
        .filter((width) => width !== widthIn(of, block))
        .map((width) => ({ id: scoreId(of, block, width), block, ffn: library.ffn(block, width) })),
    );
  return contexts
    .filter(({ name }) => name === 'teacher' || library.complete)
    .map((of) => ({
      id: of.name,
      ffn: (block) => library.ffn(block, widthIn(of, block)),
      variants: exchanges(of),
    }));
}
