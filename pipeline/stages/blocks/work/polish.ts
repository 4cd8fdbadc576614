import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import type { OpenSplit } from '../../../../datasets/batches.ts';
import type { SplitItem } from '../../../../datasets/contract.ts';
import type { BlocksConfig } from '../schema.ts';
import { polishComposition } from '../../../distill/polish.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { bounds, pairedScoresPp } from '../../../measure/interval.ts';
import { widthIn } from '../../../measure/level.ts';
import { measureNames, type MeasureKind } from '../../../measure/measure-names.ts';
import { measureAll, measuredOf } from '../../../measure/measured.ts';
import type { FfnWeights } from '../../../model/ffn-weights.ts';
import { calibrationImages, type Calibration } from '../../../recipe/calibration.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { random } from '../../../util/random.ts';
import { indices, type BatchHandling } from '../../common/artefacts.ts';
import { fileCheckpoint } from '../../common/checkpoint.ts';
import { openSplit, openTeacher, readTeacherInfo } from '../../common/open.ts';
import { distillJob, files, type Polished } from '../artefacts.ts';
import { readDescendantsFile } from './descendants.ts';
import { writeBlocks } from './read.ts';
import { sweepSplit, uploadedModels } from './whole-models.ts';

/** Of the uniform model that is polished. */
export type PolishSettings = UniformStep & {
  readonly training: Omit<BlocksConfig['polish'], 'sparsities'>;
  /** The job that made them. */
  readonly shard: number;
  readonly calibration: Pick<Calibration, 'seed' | 'heldOut'>;
  readonly confidence: number;
};

export type PolishHandling = BatchHandling & {
  /** What the model is measured by, for the summary. */
  readonly measure: MeasureKind;
};

/**
 * A short end-to-end distillation of uniform models, without labels: all FFN blocks learn together what the teacher says
 * of the calibration images. Off by default. The library is not changed: a polished block serves its own model only.
 * Reads: splits, teacher, descendants. Writes: the polished blocks, and the model measured before and after.
 * Costs: per step about four forward passes of its images. Resumes inside the job.
 */
export async function run(
  { settings: asked, handling }: Job<PolishSettings, PolishHandling>,
  context: JobContext,
): Promise<Json> {
  const { training: settings, sparsity, width, shard, calibration, confidence } = asked;
  const { learningRate, warmupShare, weightDecay, hiddenWeight, steps, batchSize } = settings;
  const model = await openTeacher(context);
  let ffns: readonly FfnWeights[];
  let polished;
  try {
    const blocks = indices(model.architecture.depth);
    ffns = await Promise.all(
      blocks.map(async (block) => {
        const path = context.input(distillJob(shard), files.descendants(block));
        return (await readDescendantsFile(path, widthIn(asked, block)))[0]!;
      }),
    );
    const split = await openSplit(context, 'calibration', handling.images);
    const { training } = calibrationImages(calibration, split.items);
    polished = await polishComposition({
      model,
      ffns,
      batches: (first) => shuffledBatches(split, training, { batchSize, seed: calibration.seed, first }),
      settings: { steps, learningRate, warmupShare, weightDecay, hiddenWeight },
      signal: context.signal,
      checkpoint: fileCheckpoint(context.resumeFolder),
      onProgress: ({ fraction, ...rest }) => context.progress({ fraction: 0.9 * fraction, ...rest }),
    });
  } finally {
    model.dispose();
  }
  const selection = { name: 'selection', handling, progressFrom: 0.9 } as const;
  const { models } = await sweepSplit(context, selection, () =>
    uploadedModels([
      { id: 'before', ffns },
      { id: 'after', ffns: polished.ffns },
    ]),
  );
  const { architecture } = await readTeacherInfo(context);
  const measured = measureAll(models, confidence, architecture);
  const [before, after] = [measuredOf(measured, 'before'), measuredOf(measured, 'after')];
  const gain = pairedScoresPp(
    measuredOf(models, 'after').correct,
    measuredOf(models, 'before').correct,
    confidence,
  );
  const result: Polished = { sparsity, width, before, after, gainPp: bounds(gain), losses: polished.losses };
  await writeBlocks(join(context.folder, files.polishedBlocks), polished.ffns);
  await writeJsonAtomic(join(context.folder, files.polished), result);
  const names = measureNames(handling.measure);
  if (after.kl >= before.kl) {
    context.warn(
      `polishing did not bring the model at ${sparsity} nearer to the teacher (${names.divergence} ${before.kl} to ${after.kl})`,
    );
  }
  return {
    sparsity,
    ...(handling.measure !== 'classes' && { measure: names.top1 }),
    before: before.top1Percent.mean,
    after: after.top1Percent.mean,
  };
}

/** Whole epochs in an order of their own, one after the other, without end; the same for the same step. */
async function* shuffledBatches(
  split: OpenSplit,
  items: readonly SplitItem[],
  { batchSize, seed, first }: { readonly batchSize: number; readonly seed: number; readonly first: number },
): AsyncGenerator<tf.Tensor4D> {
  const perEpoch = Math.max(1, Math.floor(items.length / batchSize));
  for (let epoch = Math.floor(first / perEpoch), skip = first % perEpoch; ; epoch++, skip = 0) {
    const shuffled = random(seed, 'polish', epoch)
      .shuffle([...items])
      .slice(skip * batchSize, perEpoch * batchSize);
    for await (const { pixels } of split.tensorBatches(shuffled, batchSize)) yield pixels;
  }
}
