import * as tf from '@tensorflow/tfjs-core';
import type { SplitName } from '../../../../datasets/contract.ts';
import type { WidthChoice } from '../../../measure/allocations.ts';
import { widthIn } from '../../../measure/level.ts';
import { uniformId, type UniformKind } from '../../../measure/measured.ts';
import { sweep, type SweepOptions, type Swept } from '../../../measure/sweep.ts';
import { hiddenUnits } from '../../../model/architecture.ts';
import type { ModelTensors } from '../../../model/backbone.ts';
import { disposeFfn, teacherFfn, uploadFfn, type FfnTensors } from '../../../model/ffn-tensors.ts';
import { sliceFfn, type FfnWeights } from '../../../model/ffn-weights.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { indices, shardRange, type BatchHandling } from '../../common/artefacts.ts';
import { openJudge, openSplit, openTeacher } from '../../common/open.ts';
import type { MadeBy } from '../artefacts.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { readDescendants } from './descendants.ts';
import { readOrder, readTeacherFfn } from './read.ts';

/** By level (its `width`), the FFN of every block; a level whose job failed is absent. */
export type FfnsByWidth = ReadonlyMap<number, readonly FfnTensors[]>;

/** The descendants of a run on the engine. */
export interface UploadedDescendants {
  /** No width failed, so every composition can be made. */
  readonly complete: boolean;
  /** The final descendants. Not to be disposed. */
  readonly final: FfnsByWidth;
  /** The same before training. */
  readonly refitted: FfnsByWidth;
  /** The same before the refit: the teacher's blocks without the units. */
  readonly pruned: FfnsByWidth;
  /** The final FFN of a block by its hidden units; the teacher's own for its H. @throws Error for another width */
  ffn(block: number, width: number): FfnTensors;
  readonly dispose: () => void;
}

type WholeModel = SweepOptions['models'][number];

/**
 * @param steps of every block
 * @param options `jobs`: that the widths are divided among. `beforeTraining`: refitted and pruned ones too, which only the
 * uniform models are made of
 */
export async function uploadDescendants(
  context: JobContext,
  teacher: ModelTensors,
  steps: readonly UniformStep[],
  { jobs, beforeTraining }: { readonly jobs: number; readonly beforeTraining: boolean },
): Promise<UploadedDescendants> {
  const hiddens = hiddenUnits(teacher.architecture);
  const refitted = beforeTraining ? await uploadMade(context, 'refit', jobs, teacher, steps) : none;
  const pruned = await cutUnits(context, teacher, refitted);
  const final = await uploadMade(context, 'distill', jobs, teacher, steps);
  return {
    complete: steps.every(({ width }) => final.has(width)),
    final,
    refitted,
    pruned,
    ffn(block, width) {
      if (width === hiddens[block]) return teacherFfn(teacher, block);
      const step = steps.find((level) => widthIn(level, block) === width);
      const found = step && final.get(step.width)?.[block];
      if (found === undefined) throw new Error(`block ${block} has no descendant of width ${width}`);
      return found;
    },
    dispose: () => {
      for (const ffn of [...refitted.values(), ...final.values()].flat()) disposeFfn(ffn);
      for (const { fc2Kernel } of [...pruned.values()].flat()) fc2Kernel.dispose();
    },
  };
}

const none: FfnsByWidth = new Map();

async function uploadMade(
  context: JobContext,
  by: MadeBy,
  jobs: number,
  { architecture: { depth } }: ModelTensors,
  steps: readonly UniformStep[],
): Promise<FfnsByWidth> {
  const made = new Map<number, FfnTensors[]>();
  for (const block of indices(depth)) {
    for (const weights of await readDescendants(context, by, jobs, block)) {
      const step = steps.find((level) => widthIn(level, block) === weights.hidden);
      if (step === undefined) throw new Error(`block ${block} has a descendant of width ${weights.hidden}`);
      const ffns = made.get(step.width) ?? [];
      made.set(step.width, [...ffns, uploadFfn(weights)]);
    }
  }
  return made;
}

/**
 * The teacher's blocks with the units that each refit keeps, and nothing else changed. Only fc2's kernel is its own: fc1 and the
 * gate are the refit's, which leaves them as they were, fc2's bias the teacher's.
 */
async function cutUnits(
  context: JobContext,
  teacher: ModelTensors,
  refitted: FfnsByWidth,
): Promise<FfnsByWidth> {
  if (refitted.size === 0) return none;
  const cut = [...refitted].map(([level, ffns]) => ({ level, ffns, own: [] as FfnTensors[] }));
  for (const block of indices(teacher.architecture.depth)) {
    const whole = await readTeacherFfn(context, block);
    const units = await readOrder(context, block);
    const { fc2Bias } = teacherFfn(teacher, block);
    for (const { ffns, own } of cut) {
      const width = ffns[block]!.fc1Bias.size;
      const { fc2Kernel } = sliceFfn(whole, units.subarray(0, width));
      own.push({ ...ffns[block]!, fc2Kernel: tf.tensor2d(fc2Kernel, [width, whole.width]), fc2Bias });
    }
  }
  return new Map(cut.map(({ level, own }) => [level, own]));
}

/** The models of one sparsity in every block, as cut, refitted and distilled: none of a width that failed. */
export function uniformModels(
  { final, refitted, pruned }: Pick<UploadedDescendants, 'final' | 'refitted' | 'pruned'>,
  steps: readonly UniformStep[],
  distilled: boolean,
): WholeModel[] {
  const of = (kind: UniformKind, library: FfnsByWidth): WholeModel[] =>
    steps.flatMap(({ sparsity, width }) => {
      const blocks = library.get(width);
      return blocks === undefined
        ? []
        : [{ id: uniformId(sparsity, kind), ffn: (block: number) => blocks[block]! }];
    });
  return [...of('pruned', pruned), ...of('refit', refitted), ...(distilled ? of('distilled', final) : [])];
}

/** Which images of which split, in batches of how many. */
interface SweptImages {
  readonly name: SplitName;
  readonly handling: BatchHandling;
  readonly shard?: number;
  readonly shards?: number;
  /** Share of the job's progress that is done before. */
  readonly progressFrom?: number;
  /** Of which models everything that they said is wanted. */
  readonly heard?: SweepOptions['heard'];
}

type SweptModels = Partial<Pick<SweepOptions, 'descendants' | 'contexts'>> &
  Pick<SweepOptions, 'models'> & { readonly dispose: () => void };

/** Scores the teacher and `modelsOf` it on a split, or on a shard of one, and disposes them, whatever happens. */
export async function sweepSplit(
  context: JobContext,
  { name, handling, shard = 0, shards = 1, progressFrom = 0, heard }: SweptImages,
  modelsOf: (teacher: ModelTensors) => SweptModels | Promise<SweptModels>,
): Promise<Swept> {
  const split = await openSplit(context, name, handling.images);
  const { start, end } = shardRange(split.items.length, shard, shards);
  const items = split.items.slice(start, end);
  const judge = await openJudge(context);
  const model = await openTeacher(context);
  let swept: SweptModels | undefined;
  try {
    swept = await modelsOf(model);
    const { models, descendants = [], contexts = [] } = swept;
    return await sweep({
      model,
      judge,
      batches: split.tensorBatches(items, handling.batchSize),
      images: items.length,
      descendants,
      contexts,
      models,
      heard,
      signal: context.signal,
      onProgress: ({ fraction, ...rest }) =>
        context.progress({ fraction: progressFrom + (1 - progressFrom) * fraction, ...rest }),
    });
  } finally {
    swept?.dispose();
    model.dispose();
    judge.dispose();
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
