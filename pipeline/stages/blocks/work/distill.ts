import { join } from 'node:path';
import { distillStudents } from '../../../distill/distill-students.ts';
import type { TrainedStudent, TrainingResult } from '../../../distill/distill-task.ts';
import { epochBatches, stepImages } from '../../../distill/epoch-batches.ts';
import type { TrainingHistory } from '../../../distill/history.ts';
import { lookImages } from '../../../distill/schedule.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import type { RefittedDescendant, TrainedDescendant } from '../../../measure/descendant.ts';
import { tokensPerImage, widthName } from '../../../model/architecture.ts';
import type { FfnWeights } from '../../../model/ffn-weights.ts';
import { choosePrecision } from '../../../precision/choose-precision.ts';
import type { StepPrecision } from '../../../precision/resolve-precision.ts';
import { calibrationImages, chainImages, type Calibration } from '../../../recipe/calibration.ts';
import { distillLength } from '../../../recipe/distill-length.ts';
import { type ComposedInputs, trainingInputs } from '../../../recipe/recipe.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { readJson, writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { indices, type ImageHandling } from '../../common/artefacts.ts';
import { fileCheckpoint } from '../../common/checkpoint.ts';
import { openSplit, openTeacher, readTeacherInfo } from '../../common/open.ts';
import { distillJob, files, refitJob, type DescendantsFile } from '../artefacts.ts';
import type { BlocksConfig } from '../schema.ts';
import { readDescendantsFile, writeDescendants } from './descendants.ts';

export type DistillJobSettings = {
  /** Its refits are those of the refit job of the same number. */
  readonly shard: number;
  /** Of this job: widths of every block, widest first. */
  readonly steps: readonly UniformStep[];
  readonly distill: BlocksConfig['distill'];
  /** Of the steps' products. */
  readonly precision: StepPrecision;
  /** Null: on the teacher's inputs alone, or nothing is trained. */
  readonly composed: ComposedInputs | null;
  readonly calibration: Calibration;
};

/**
 * Trains all blocks of this job's widths at once, from their refits, against the teacher on fresh calibration images, and keeps of
 * each width the better of the two by KL(teacher || uniform model) on held-out images (docs/design.md, distillation).
 * Reads: the refits of its widths, teacher, calibration images. Writes: the final descendants of every block, their records, and the
 * history of the training.
 * Costs: a step is a teacher pass over its images and, for each width, about as much again. Resumes inside the job, about every 30 s.
 */
export async function run(
  { settings, handling }: Job<DistillJobSettings, ImageHandling>,
  context: JobContext,
): Promise<Json> {
  const { shard, steps, distill } = settings;
  const { depth } = (await readTeacherInfo(context)).architecture;
  const refits: FfnWeights[][] = [];
  for (const block of indices(depth)) {
    refits.push(await readDescendantsFile(context.input(refitJob(shard), files.descendants(block))));
  }
  const records = await readJson<DescendantsFile<RefittedDescendant>>(
    context.input(refitJob(shard), files.descendantsFile),
  );
  const write = async (
    weightsOf: (block: number) => readonly FfnWeights[],
    recordOf: (refit: RefittedDescendant, block: number, place: number) => TrainedDescendant,
    stepsMade?: number,
  ): Promise<void> => {
    for (const block of indices(depth)) {
      await writeDescendants(join(context.folder, files.descendants(block)), weightsOf(block));
    }
    await writeJsonAtomic(join(context.folder, files.descendantsFile), {
      blocks: records.blocks.map((some, block) => some.map((refit, place) => recordOf(refit, block, place))),
      steps: stepsMade,
    } satisfies DescendantsFile<TrainedDescendant>);
  };
  if (!distill.enabled) {
    await write(
      (block) => refits[block]!,
      (refit) => ({ ...refit, ...keptRefit(refit), gainOverRefit: null }),
    );
    return { enabled: false };
  }
  const students = steps.map(({ width }, place) => ({
    id: widthName(width),
    ffns: refits.map((ffns) => ffns[place]!),
  }));
  const {
    students: trained,
    history: looks,
    steps: made,
  } = await train(students, settings, handling, context);
  for (const { id, kept } of trained) {
    if (kept === 'refit')
      context.warn(`${id}: training did not bring the model nearer to the teacher; its refit is kept`);
  }
  await write(
    (block) => trained.map(({ ffns }) => ffns[block]!),
    (refit, block, place) => ({ ...refit, ...trainedPart(refit, trained[place]!, block) }),
    made.made,
  );
  const widths = trained.map(({ kept, klBefore, klAfter, precision }, place) => ({
    ...{ width: steps[place]!.width, kept, klBefore, klAfter, precision },
  }));
  const history: TrainingHistory = { steps: made, widths, looks };
  await writeJsonAtomic(join(context.folder, files.history), history);
  return { steps: made, widths };
}

async function train(
  students: readonly { readonly id: string; readonly ffns: readonly FfnWeights[] }[],
  { shard, distill, precision: planned, composed, calibration }: DistillJobSettings,
  { images }: ImageHandling,
  context: JobContext,
): Promise<TrainingResult> {
  const split = await openSplit(context, 'calibration', images);
  const all = calibrationImages(calibration, split.items);
  const counts = chainImages(
    { images: composed?.images ?? null, heldOut: calibration.heldOut },
    { training: all.training.length, heldOut: all.heldOut.length },
  );
  const items = all.training.slice(0, counts.training);
  const seen = all.heldOut.slice(0, Math.min(counts.heldOut, lookImages));
  const { batchSize } = distill;
  const model = await openTeacher(context);
  const { composedShare, ...weights } = trainingInputs(composed, distill);
  const tokens = stepImages(items.length, batchSize) * tokensPerImage(model.architecture);
  try {
    return await distillStudents({
      subject: distillJob(shard),
      model,
      students,
      batches: (firstStep) =>
        epochBatches({
          ...{ items, batchSize, seed: calibration.seed, firstStep },
          read: (some, size) => split.tensorBatches(some, size),
        }),
      async *heldOut() {
        for await (const { pixels } of split.tensorBatches(seen, batchSize)) yield pixels;
      },
      composedShare,
      settings: { ...distill, ...weights, steps: distillLength(distill, items.length) },
      precisionOf: ({ ffns, refitError }) => {
        const { width, hidden } = ffns[0]!;
        return choosePrecision(planned, refitError, { tokens, width, hidden });
      },
      signal: context.signal,
      checkpoint: fileCheckpoint(context.resumeFolder),
      onProgress: (progress) => context.progress(progress),
    });
  } finally {
    model.dispose();
  }
}

/**
 * What training makes of a descendant's record. Its final error is the refit's less the share that training removed of the error on the
 * training's own held-out images: both sides of that share are measured alike, on the teacher's inputs.
 */
export function trainedPart(
  refit: Pick<RefittedDescendant, 'heldOutError'>,
  { kept, gains, precision }: Pick<TrainedStudent, 'kept' | 'gains' | 'precision'>,
  block: number,
): Pick<TrainedDescendant, 'heldOutError' | 'source' | 'gainOverRefit' | 'precision'> {
  if (kept === 'refit') return { ...keptRefit(refit), gainOverRefit: 0 };
  const gainOverRefit = gains[block]!;
  const before = refit.heldOutError.refit;
  return {
    heldOutError: { refit: before, final: before * (1 - gainOverRefit) },
    source: 'distilled',
    gainOverRefit,
    precision,
  };
}

/** The weights stay those of the refit, and so does their error. */
export function keptRefit({ heldOutError: { refit } }: Pick<RefittedDescendant, 'heldOutError'>) {
  return { heldOutError: { refit, final: refit }, source: 'refit' } as const;
}
