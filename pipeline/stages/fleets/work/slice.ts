import { join } from 'node:path';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { readTensors } from '../../../model/safetensors.ts';
import { featureWidth } from '../../../model/architecture.ts';
import { modelCosts } from '../../../model/costs.ts';
import { sliceSubmodel } from '../../../slicing/slice-submodel.ts';
import { divideImages } from '../../../submodels/training/held-out-images.ts';
import { random } from '../../../util/random.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { commonFiles, teacherJob, type BatchHandling } from '../../common/artefacts.ts';
import { readTeacherInfo } from '../../common/open.ts';
import { files, teachJob } from '../artefacts.ts';
import type { CostLimits } from '../plan-fleets.ts';
import type { FleetsConfig } from '../schema.ts';
import { openLearning } from './learning-images.ts';
import { readModel, writeModel, type RunModel } from './model-file.ts';
import { readSubset, type SubsetPlace } from './subset.ts';
import { pixelsOf } from './targets.ts';

export type SliceJobSettings = {
  readonly name: string;
  readonly trains: boolean;
  readonly subset: SubsetPlace;
  /** It is cut out of a teacher of its own. */
  readonly taught: boolean;
  readonly limits: CostLimits;
  readonly slice: FleetsConfig['slice'];
  /** Share of the images that judge a cut instead of being fitted to: those that training holds out, too. */
  readonly heldOut: number;
  readonly seed: number;
};

/**
 * Cuts the teacher, or one of its own, to a smaller model that knows one subset of the classes.
 * Reads: splits, teacher, the subset. Writes: the model as it was cut, and slice.json with what was tried.
 */
export async function run(job: Job<SliceJobSettings, BatchHandling>, context: JobContext): Promise<Json> {
  const { name, taught } = job.settings;
  if (taught) return cutFor(await readModel(context.input(teachJob(name), files.model)), job, context);
  const { architecture } = await readTeacherInfo(context);
  const { tensors: weights } = await readTensors(context.input(teacherJob, commonFiles.teacher));
  return cutFor({ architecture, weights }, job, context);
}

/** The same of a model with an output for every class, in the order of the data. */
export async function cutFor(
  teacher: RunModel,
  { settings, handling }: Job<SliceJobSettings, BatchHandling>,
  context: JobContext,
): Promise<Json> {
  const { trains, limits, slice, heldOut, seed } = settings;
  const { images: access, batchSize } = handling;
  const { architecture } = teacher;
  const { classes, other } = await readSubset(context, settings.subset, architecture.classes);
  const learning = await openLearning(context, trains, access);
  const divided = divideImages(
    learning.items.map(({ label }) => label),
    heldOut,
    seed,
  );
  const own = new Set(classes);
  const batches = (places: Uint32Array) => {
    const items = [...places].map((place) => learning.items[place]!).filter(({ label }) => own.has(label));
    // Few of them may do, and those shall be of all classes.
    random(seed, 'slice', 'order').shuffle(items);
    return () => pixelsOf(learning, items, batchSize);
  };
  const { model, report } = await sliceSubmodel({
    teacher,
    classes,
    other,
    fit: batches(divided.training),
    judge: batches(divided.heldOut),
    limits,
    settings: slice,
    seed,
    signal: context.signal,
    onProgress: (progress) => context.progress(progress),
  });
  await writeModel(join(context.folder, files.model), model);
  await writeJsonAtomic(join(context.folder, files.sliceReport), report);
  const { params, macs } = modelCosts(model.architecture);
  return { classes: classes.length, params, macs, width: featureWidth(model.architecture) };
}
