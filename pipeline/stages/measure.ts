import { join } from 'node:path';
import type { JobContext, Stage } from '../runner/contract.ts';
import type { FfnTensors } from '../model/vit.ts';
import { blockName, tokensPerImage, widthName } from '../model/architecture.ts';
import {
  distillJob,
  files,
  indices,
  jobIndex,
  measureJob,
  refitJob,
  shardRange,
  splitsJob,
  teacherCheckJob,
  teacherJob,
} from './jobs.ts';
import { descents } from './widths.ts';

/** The id of a uniform model in score files: the same sparsity in every block, before or after distillation. */
export const uniformId = (sparsity: number, kind: 'refit' | 'distilled'): string =>
  `uniform/${sparsity}/${kind}`;

/**
 * Scores on the selection split, per image: the teacher, every descendant with all other blocks the teacher's, and
 * the uniform models before and after distillation. Activations before a block are computed once for all of its
 * descendants. Reads: splits, teacher, descendants. Writes: scores.safetensors. A block whose distillation failed is
 * left out, and with it the uniform models.
 */
export const measure: Stage = {
  name: 'measure',
  version: 1,
  plan: ({ loaded, architecture, engine, slots, inputs }) => {
    const { config } = loaded;
    const blocks = indices(architecture.depth);
    const { width, hidden, depth } = architecture;
    const forward = 2 * tokensPerImage(architecture) * depth * (4 * width * width + 2 * width * hidden);
    const variants = descents(config, hidden).length;
    const passes = 1 + 0.55 * variants * depth + 2 * variants;
    return indices(slots).map((shard) => ({
      id: measureJob(shard),
      needs: [splitsJob, teacherJob, teacherCheckJob],
      wants: blocks.flatMap((block) => [refitJob(block), distillJob(block)]),
      settings: { shard, shards: slots, mean: inputs.preprocessing.mean, std: inputs.preprocessing.std },
      estimate: {
        seconds:
          2 + (passes * forward * config.data.splits.selection) / slots / (engine === 'wasm' ? 10e9 : 80e9),
        memoryBytes: 6e8 + config.measure.batchSize * tokensPerImage(architecture) * width * 4 * (depth + 20),
        diskBytes: config.data.splits.selection * 11 * (1 + variants * (depth + 2)),
      },
    }));
  },
  async run(job, context) {
    const { sweep } = await import('../measure/sweep.ts');
    const { scoresToArrays } = await import('../measure/scores.ts');
    const { writeSafetensors } = await import('../model/safetensors.ts');
    const { openSplit, openTeacher } = await import('./open.ts');
    const { config } = context.loaded;
    const model = await openTeacher(context);
    const models = await uploadDescendants(context);
    const split = await openSplit(context, 'selection');
    const { start, end } = shardRange(split.items.length, jobIndex(job.id), context.slots);
    const items = split.items.slice(start, end);
    const scores = await sweep({
      model,
      batches: split.tensorBatches(items, config.measure.batchSize),
      images: items.length,
      descendants: models.descendants,
      uniform: models.uniform,
      signal: context.signal,
      onProgress: (progress) => context.progress(progress),
    });
    model.dispose();
    models.dispose();
    await writeSafetensors(join(context.folder, files.scores), scoresToArrays(scores.models), {
      ids: JSON.stringify(scores.ids),
    });
    return { images: items.length, models: scores.models.size };
  },
};

/** All descendants that exist, on the engine, and the uniform models they make. */
export async function uploadDescendants(context: JobContext): Promise<{
  descendants: { id: string; block: number; ffn: FfnTensors }[];
  uniform: { id: string; ffn: (block: number) => FfnTensors }[];
  dispose(): void;
}> {
  const { disposeFfn, uploadFfn } = await import('../model/vit.ts');
  const { readDescendants } = await import('./read.ts');
  const blocks = indices(context.architecture.depth);
  const steps = descents(context.loaded.config, context.architecture.hidden);
  const upload = async (jobOf: (block: number) => string) =>
    Promise.all(
      blocks.map(async (block) => {
        const folder = context.input(jobOf(block));
        return folder === undefined
          ? undefined
          : (await readDescendants(folder)).map(({ weights }) => uploadFfn(weights));
      }),
    );
  const refitted = await upload(refitJob);
  const final = await upload(distillJob);
  const uniformOf = (kind: 'refit' | 'distilled', library: typeof final) =>
    library.some((block) => block === undefined)
      ? []
      : steps.map(({ sparsity }, step) => ({
          id: uniformId(sparsity, kind),
          ffn: (block: number) => library[block]![step],
        }));
  return {
    descendants: blocks.flatMap((block) =>
      (final[block] ?? []).map((ffn, step) => ({
        id: `${blockName(block)}/${widthName(steps[step].width)}`,
        block,
        ffn,
      })),
    ),
    uniform: [
      ...uniformOf('refit', refitted),
      ...(context.loaded.config.distill.enabled ? uniformOf('distilled', final) : []),
    ],
    dispose: () => {
      for (const ffn of [...refitted, ...final].flatMap((block) => block ?? [])) disposeFfn(ffn);
    },
  };
}
