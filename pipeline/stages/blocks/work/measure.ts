import type { JobContext, Stage } from '../../../runner/contract.ts';
import type { FfnTensors, ModelTensors } from '../../../model/vit.ts';
import type { SweepContext, SweepVariant } from '../../../measure/sweep.ts';
import { scoreId, type Context } from '../../../measure/contexts.ts';
import { tokensPerImage } from '../../../model/architecture.ts';
import { forwardFlops } from '../../../model/costs.ts';
import type { UploadedDescendants } from './whole-models.ts';
import {
  distillJob,
  indices,
  jobIndex,
  measureJob,
  refitJob,
  shardRange,
  splitsJob,
  teacherCheckJob,
  teacherJob,
} from '../artefacts.ts';
import { blockWidths, descents, measuredContexts } from '../shape.ts';

/** The id of a uniform model in score files: the same sparsity in every block, before or after distillation. */
export const uniformId = (sparsity: number, kind: 'refit' | 'distilled'): string =>
  `uniform/${sparsity}/${kind}`;

/**
 * Scores on the selection split, per image: the teacher; every block at every width (the teacher's among them) in each
 * context; and the uniform models before and after distillation. In every context the activations before a block are
 * computed once for all of its widths. Reads: splits, teacher, descendants. Writes: scores.safetensors. A block whose
 * distillation failed is left out, and with it whatever needs all blocks: the uniform models and the contexts but the
 * teacher's. Costs: about 0.55 forward passes per block, width and context.
 */
export const measure: Stage = {
  name: 'measure',
  version: 2,
  plan: ({ loaded, architecture, engine, slots, inputs }) => {
    const { config } = loaded;
    const blocks = indices(architecture.depth);
    const { width, hidden, depth } = architecture;
    const variants = descents(config, hidden).length;
    const contexts = measuredContexts(config, hidden);
    const models = contexts.length * (1 + variants * depth);
    const passes = contexts.length * (1 + 0.55 * variants * depth) + 2 * variants;
    return indices(slots).map((shard) => ({
      id: measureJob(shard),
      needs: [splitsJob, teacherJob, teacherCheckJob],
      wants: blocks.flatMap((block) => [refitJob(block), distillJob(block)]),
      settings: {
        shard,
        shards: slots,
        mean: inputs.preprocessing.mean,
        std: inputs.preprocessing.std,
        contexts: contexts.map(({ name }) => name),
      },
      estimate: {
        seconds:
          2 + sweepSeconds({ architecture, engine, slots, passes, images: config.data.splits.selection }),
        memoryBytes: 6e8 + config.measure.batchSize * tokensPerImage(architecture) * width * 4 * (depth + 20),
        diskBytes: config.data.splits.selection * 11 * (models + 2 * variants),
      },
    }));
  },
  async run(job, context) {
    const { sweep } = await import('../../../measure/sweep.ts');
    const { openSplit, openTeacher } = await import('./open.ts');
    const { uploadDescendants } = await import('./whole-models.ts');
    const { writeScores } = await import('./scores.ts');
    const { config } = context.loaded;
    const model = await openTeacher(context);
    const library = await uploadDescendants(context, { refitted: true });
    const split = await openSplit(context, 'selection');
    const { start, end } = shardRange(split.items.length, jobIndex(job.id), context.slots);
    const items = split.items.slice(start, end);
    const [teacher, ...others] = await contextsToSweep(context, model, library);
    const scores = await sweep({
      model,
      batches: split.tensorBatches(items, config.measure.batchSize),
      images: items.length,
      descendants: teacher.variants,
      contexts: others,
      uniform: uniformModels(context, library),
      signal: context.signal,
      onProgress: (progress) => context.progress(progress),
    });
    model.dispose();
    library.dispose();
    await writeScores(context, scores);
    return { images: items.length, models: scores.models.size };
  },
};

/** Seconds of `passes` forward passes of the teacher over the images of one of `slots` shards. */
export function sweepSeconds({
  architecture,
  engine,
  slots,
  passes,
  images,
}: Pick<JobContext, 'architecture' | 'engine' | 'slots'> & { passes: number; images: number }): number {
  return (passes * forwardFlops(architecture) * images) / slots / (engine === 'wasm' ? 10e9 : 80e9);
}

/** The whole models of one sparsity in every block: none where a block failed. */
export function uniformModels(
  context: JobContext,
  { final, refitted }: UploadedDescendants,
): { id: string; ffn: (block: number) => FfnTensors }[] {
  const { config } = context.loaded;
  const steps = descents(config, context.architecture.hidden);
  const of = (kind: 'refit' | 'distilled', library: typeof final) =>
    library.some((block) => block === undefined)
      ? []
      : steps.map(({ sparsity }, step) => ({
          id: uniformId(sparsity, kind),
          ffn: (block: number) => library[block]![step],
        }));
  return [...of('refit', refitted), ...(config.distill.enabled ? of('distilled', final) : [])];
}

/** Every context with all the exchanges to be scored in it, the teacher's first. */
async function contextsToSweep(
  { architecture, loaded }: JobContext,
  model: ModelTensors,
  library: UploadedDescendants,
): Promise<SweepContext[]> {
  const { teacherFfn } = await import('../../../model/vit.ts');
  const ffn = (block: number, width: number) => library.ffn(block, width) ?? teacherFfn(model, block);
  const widths = blockWidths(loaded.config, architecture.hidden);
  const exchanges = (of: Context): SweepVariant[] =>
    indices(architecture.depth).flatMap((block) =>
      library.final[block] === undefined
        ? []
        : widths
            .filter((width) => width !== of.width)
            .map((width) => ({ id: scoreId(of, block, width), block, ffn: ffn(block, width) })),
    );
  return measuredContexts(loaded.config, architecture.hidden)
    .filter(({ name }) => name === 'teacher' || library.complete)
    .map((of) => ({
      id: of.name,
      ffn: (block) => ffn(block, of.width),
      variants: exchanges(of),
    }));
}
