import { join } from 'node:path';
import type { Ridge } from '../../../compress/ridge.ts';
import type { UniformStep } from '../../../measure/allocations.ts';
import { widthIn } from '../../../measure/level.ts';
import { blockName } from '../../../model/architecture.ts';
import { sliceFfn, type FfnWeights } from '../../../model/ffn-weights.ts';
import {
  calibrationImages,
  chainImages,
  sampledTokens,
  type Calibration,
} from '../../../recipe/calibration.ts';
import { fitLevels, type FittedBlock } from '../../../recipe/fit-levels.ts';
import { fitOnTeacher } from '../../../recipe/fit-on-teacher.ts';
import type { ComposedInputs } from '../../../recipe/recipe.ts';
import { streamFiles } from '../../../recipe/stream-files.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { hashJson, sha256File } from '../../../util/hash.ts';
import { commonFiles, teacherJob, type ImageHandling } from '../../common/artefacts.ts';
import { openSplit, openTeacher, readSplit, readTeacherInfo } from '../../common/open.ts';
import type { BlocksConfig } from '../schema.ts';
import { readEvidence, readHeldOutTokens, readOrder, readTeacherFfn, readTokenWeights } from './read.ts';

export type RefitSettings = BlocksConfig['refit'] & {
  readonly ridge: Ridge;
  /** Of this job: widths of every block, widest first. */
  readonly steps: readonly UniformStep[];
  /** Null: the teacher's own inputs alone, from the statistics stage's files. */
  readonly composed: ComposedInputs | null;
  readonly calibration: Calibration;
  /** Jobs of the statistics. */
  readonly statistics: number;
};

export type RefitHandling = ImageHandling & {
  /** Most bytes of residual streams on disk: it changes time and space alone. */
  readonly streamBytes: number;
};

type RefitJob = Job<RefitSettings, RefitHandling>;
type Fitted = readonly (readonly FfnWeights[])[];
type Blocks = AsyncGenerator<FittedBlock, void>;

/** The blocks of a refit from the first that is not fitted yet on; what has been yielded is kept by the caller. */
export function fitBlocks(job: RefitJob, fitted: Fitted, context: JobContext): Blocks {
  const { composed } = job.settings;
  return composed === null
    ? fitOnStatistics(job, fitted, context)
    : fitOnStreams(job, composed, fitted, context);
}

/** On the teacher's inputs alone, from the statistics: no image is looked at. */
async function* fitOnStatistics({ settings }: RefitJob, fitted: Fitted, context: JobContext): Blocks {
  const { steps, ridge, method, calibration, statistics: jobs } = settings;
  const { architecture } = await readTeacherInfo(context);
  const { depth, gelu } = architecture;
  const weights = await readTokenWeights(context, architecture, calibration);
  for (let block = fitted.length; block < depth; block++) {
    context.signal.throwIfAborted();
    const found = fitOnTeacher({
      teacher: await readTeacherFfn(context, block),
      statistics: (await readEvidence(context, block, jobs)).statistics,
      units: await readOrder(context, block),
      widths: steps.map((step) => widthIn(step, block)),
      fit: { ridge, method },
      heldOut: await readHeldOutTokens(context, block, jobs),
      sampled: sampledTokens(calibration, architecture, block),
      weights: weights[block]!,
      gelu,
    });
    yield { block, ...found };
    context.progress({ fraction: (block + 1) / depth, note: blockName(block) });
  }
}

/** Partly on what models of the job's widths show their blocks. The streams lie in the run's scratch folder until the job is done. */
async function* fitOnStreams(
  { id, settings, handling }: RefitJob,
  composed: ComposedInputs,
  fitted: Fitted,
  context: JobContext,
): Blocks {
  const { steps, ridge, calibration } = settings;
  const { architecture, preprocessing } = await readTeacherInfo(context);
  const split = await openSplit(context, 'calibration', handling.images);
  const all = calibrationImages(calibration, split.items);
  const counts = chainImages(
    { images: composed.images, heldOut: calibration.heldOut },
    { training: all.training.length, heldOut: all.heldOut.length },
  );
  const store = streamFiles(join(context.scratchFolder, id.replace('/', '-')), handling.streamBytes);
  const weights = await readTokenWeights(context, architecture, calibration);
  const model = await openTeacher(context);
  try {
    yield* fitLevels({
      model,
      levels: steps.length,
      async startOf(block) {
        const units = await readOrder(context, block);
        const teacher = await readTeacherFfn(context, block);
        const cut = steps.map((step) => sliceFfn(teacher, units.subarray(0, widthIn(step, block))));
        return cut.map((ffn) => ({ weights: ffn, refit: true }));
      },
      images: {
        training: all.training.slice(0, counts.training),
        heldOut: all.heldOut.slice(0, counts.heldOut),
      },
      batchesOf: (items, batchSize) => split.tensorBatches(items, batchSize),
      calibration,
      weights,
      composedShare: composed.composedShare,
      ridge,
      store,
      key: hashJson({
        preprocessing: hashJson({ ...preprocessing }),
        calibration: (await readSplit(context, 'calibration')).sha256,
        teacher: await sha256File(context.input(teacherJob, commonFiles.teacher)),
      }),
      fitted,
      onProgress: (fraction, note) => context.progress({ fraction, note }),
      signal: context.signal,
    });
    await store.remove();
  } finally {
    model.dispose();
  }
}
