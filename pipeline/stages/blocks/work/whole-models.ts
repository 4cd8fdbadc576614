import type { SplitName } from '../../../../datasets/contract.ts';
import type { WidthChoice } from '../../../measure/allocations.ts';
import { uniformId } from '../../../measure/measured.ts';
import type { SweepScores } from '../../../measure/scores.ts';
import { sweep, type SweepOptions } from '../../../measure/sweep.ts';
import type { ModelTensors } from '../../../model/backbone.ts';
import { disposeFfn, teacherFfn, uploadFfn, type FfnTensors } from '../../../model/ffn-tensors.ts';
import type { FfnWeights } from '../../../model/ffn-weights.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { indices, shardRange, type BatchHandling } from '../../common/artefacts.ts';
import { openSplit, openTeacher } from '../../common/open.ts';
import { distillJob, files, refitJob } from '../artefacts.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { readDescendants } from './read.ts';

/** The descendants of a run on the engine. */
export interface UploadedDescendants {
  /** No block failed, so every composition can be made. */
  readonly complete: boolean;
  /** By block: the final descendants, widest first; undefined where the block failed. Not to be disposed. */
  readonly final: readonly (readonly FfnTensors[] | undefined)[];
  /** The same before training. */
  readonly refitted: readonly (readonly FfnTensors[] | undefined)[];
  /** The final FFN of a block by its hidden units; the teacher's own for its H. @throws Error for another width */
  ffn(block: number, width: number): FfnTensors;
  readonly dispose: () => void;
}

type WholeModel = SweepOptions['models'][number];

/**
 * @param steps of every block
 * @param kinds `refitted` too: only for the uniform models before training
 */
export async function uploadDescendants(
  context: JobContext,
  teacher: ModelTensors,
  steps: readonly UniformStep[],
  kinds: { readonly refitted: boolean },
): Promise<UploadedDescendants> {
  const { hidden, depth } = teacher.architecture;
  const upload = async (jobOf: (block: number) => string) =>
    Promise.all(
      indices(depth).map(async (block) => {
        const path = context.optionalInput(jobOf(block), files.descendants);
        return path === undefined ? undefined : (await readDescendants(path)).map(uploadFfn);
      }),
    );
  const refitted = kinds.refitted ? await upload(refitJob) : indices(depth).map(() => undefined);
  const final = await upload(distillJob);
  return {
    complete: final.every((block) => block !== undefined),
    final,
    refitted,
    ffn(block, width) {
      if (width === hidden) return teacherFfn(teacher, block);
      const found = final[block]?.[steps.findIndex((step) => step.width === width)];
      if (found === undefined) throw new Error(`block ${block} has no descendant of width ${width}`);
      return found;
    },
    dispose: () => {
      for (const ffn of [...refitted, ...final].flatMap((block) => block ?? [])) disposeFfn(ffn);
    },
  };
}

/** The models of one sparsity in every block, before and after distillation: none where a block failed. */
export function uniformModels(
  { final, refitted }: Pick<UploadedDescendants, 'final' | 'refitted'>,
  steps: readonly UniformStep[],
  distilled: boolean,
): WholeModel[] {
  const of = (kind: 'refit' | 'distilled', library: typeof final): WholeModel[] => {
    const blocks = library.filter((block) => block !== undefined);
    return blocks.length < library.length
      ? []
      : steps.map(({ sparsity }, step) => ({
          id: uniformId(sparsity, kind),
          ffn: (block) => blocks[block]![step]!,
        }));
  };
  return [...of('refit', refitted), ...(distilled ? of('distilled', final) : [])];
}

/** Which images of which split, in batches of how many. */
interface SweptImages {
  readonly name: SplitName;
  readonly handling: BatchHandling;
  readonly shard?: number;
  readonly shards?: number;
  /** Share of the job's progress that is done before. */
  readonly progressFrom?: number;
}

type SweptModels = Partial<Pick<SweepOptions, 'descendants' | 'contexts'>> &
  Pick<SweepOptions, 'models'> & { readonly dispose: () => void };

/** Scores the teacher and `modelsOf` it on a split, or on a shard of one, and disposes them, whatever happens. */
export async function sweepSplit(
  context: JobContext,
  { name, handling, shard = 0, shards = 1, progressFrom = 0 }: SweptImages,
  modelsOf: (teacher: ModelTensors) => SweptModels | Promise<SweptModels>,
): Promise<SweepScores> {
  const split = await openSplit(context, name, handling.images);
  const { start, end } = shardRange(split.items.length, shard, shards);
  const items = split.items.slice(start, end);
  const model = await openTeacher(context);
  let swept: SweptModels | undefined;
  try {
    swept = await modelsOf(model);
    const { models, descendants = [], contexts = [] } = swept;
    return await sweep({
      model,
      batches: split.tensorBatches(items, handling.batchSize),
      images: items.length,
      descendants,
      contexts,
      models,
      signal: context.signal,
      onProgress: ({ fraction, ...rest }) =>
        context.progress({ fraction: progressFrom + (1 - progressFrom) * fraction, ...rest }),
    });
  } finally {
    swept?.dispose();
    model.dispose();
  }
}

export function composedModels(
  library: UploadedDescendants,
  compositions: readonly WidthChoice[],
): WholeModel[] {
  return compositions.map(({ id, widths }) => ({ id, ffn: (block) => library.ffn(block, widths[block]!) }));
}

/** Models of their own weights, an FFN for every block. */
export function uploadedModels(
  models: readonly { readonly id: string; readonly ffns: readonly FfnWeights[] }[],
): SweptModels {
  const uploaded = models.map(({ id, ffns }) => ({ id, ffns: ffns.map(uploadFfn) }));
  return {
    models: uploaded.map(({ id, ffns }) => ({ id, ffn: (block) => ffns[block]! })),
    dispose: () => uploaded.forEach(({ ffns }) => ffns.forEach(disposeFfn)),
  };
}
