import { scoreId, type Context } from '../../../measure/contexts.ts';
import { sweep, type SweepContext, type SweepVariant } from '../../../measure/sweep.ts';
import type { Architecture } from '../../../model/architecture.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import type { Json } from '../../../util/hash.ts';
import { indices, shardRange, type BatchHandling, type Plain } from '../../common/artefacts.ts';
import { openSplit, openTeacher } from '../../common/open.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { blockWidths } from '../shape.ts';
import { writeScores } from './scores.ts';
import { uniformModels, uploadDescendants, type UploadedDescendants } from './whole-models.ts';

export type MeasureSettings = {
  readonly steps: readonly UniformStep[];
  /** The teacher's first. */
  readonly contexts: readonly Plain<Context>[];
  /** Blocks are trained after the refit. */
  readonly distilled: boolean;
  readonly shard: number;
  readonly shards: number;
};

/**
 * Scores on the selection split, per image: the teacher; every block at every width (the teacher's among them) in each
 * context; and the uniform models before and after distillation. In every context the activations before a block are
 * computed once for all of its widths. Reads: splits, teacher, descendants. Writes: scores.safetensors. A block whose
 * distillation failed is left out, and with it whatever needs all blocks: the uniform models and the contexts but the
 * teacher's. Costs: about 0.55 forward passes per block, width and context.
 */
export async function run(
  { settings, handling }: Job<MeasureSettings, BatchHandling>,
  context: JobContext,
): Promise<Json> {
  const { steps, contexts, distilled, shard, shards } = settings;
  const { images, batchSize } = handling;
  const model = await openTeacher(context);
  const library = await uploadDescendants(context, model, steps, { refitted: true });
  const split = await openSplit(context, 'selection', images);
  const { start, end } = shardRange(split.items.length, shard, shards);
  const items = split.items.slice(start, end);
  const [teacher, ...others] = contextsToSweep(contexts, model.architecture, steps, library);
  const scores = await sweep({
    model,
    batches: split.tensorBatches(items, batchSize),
    images: items.length,
    descendants: teacher?.variants ?? [],
    contexts: others,
    models: uniformModels(library, steps, distilled),
    signal: context.signal,
    onProgress: (progress) => context.progress(progress),
  });
  model.dispose();
  library.dispose();
  await writeScores(context, scores);
  return { images: items.length, models: scores.models.size };
}

/** Every context with all the exchanges to be scored in it, in their order. */
function contextsToSweep(
  contexts: readonly Context[],
  { hidden, depth }: Architecture,
  steps: readonly UniformStep[],
  library: UploadedDescendants,
): SweepContext[] {
  const widths = blockWidths(steps, hidden);
  const exchanges = (of: Context): SweepVariant[] =>
    indices(depth).flatMap((block) =>
      library.final[block] === undefined
        ? []
        : widths
            .filter((width) => width !== of.width)
            .map((width) => ({ id: scoreId(of, block, width), block, ffn: library.ffn(block, width) })),
    );
  return contexts
    .filter(({ name }) => name === 'teacher' || library.complete)
    .map((of) => ({
      id: of.name,
      ffn: (block) => library.ffn(block, of.width),
      variants: exchanges(of),
    }));
}
