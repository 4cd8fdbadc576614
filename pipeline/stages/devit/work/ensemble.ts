import { join } from 'node:path';
import { readTensors } from '../../../model/safetensors.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import type { EnsembleSettings } from '../../../submodels/ensemble/schema.ts';
import { trainEnsemble } from '../../../submodels/ensemble/train-ensemble.ts';
import { teacherHeadOf } from '../../../submodels/fusion/teacher-head.ts';
import { openImageStore } from '../../../submodels/training/image-store.ts';
import { changesImages } from '../../../submodels/training/needs-teacher.ts';
import { readJson, writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { commonFiles, teacherJob, type BatchHandling } from '../../common/artefacts.ts';
import { fileCheckpoint } from '../../common/checkpoint.ts';
import { openSplit, readTeacherInfo } from '../../common/open.ts';
import { files, finishedOf, partitionJob, targetsJob, trainJob } from '../../fleets/artefacts.ts';
import { writeFusion } from '../../fleets/work/fusion-file.ts';
import { openLearning } from '../../fleets/work/learning-images.ts';
import { readModel, writeModel } from '../../fleets/work/model-file.ts';
import { readOutputs } from '../../fleets/work/model-outputs.ts';
import type { PartitionFile } from '../../fleets/work/partition.ts';
import { writeFeatures } from '../../fleets/work/write-features.ts';

export type EnsembleJobSettings = {
  readonly fleet: string;
  readonly trains: boolean;
  /** In the order in which their features stand. */
  readonly submodels: readonly { readonly name: string; readonly index: number }[];
  /** K */
  readonly classes: number;
  readonly ensemble: EnsembleSettings;
  readonly ridges: readonly number[];
  /** As in the training of the sub-models, so that the images that chose there choose here. */
  readonly heldOut: number;
  readonly seed: number;
};

/**
 * Trains the sub-models of a fleet together with a head that maps their tokens to the teacher's. What is held out chooses, the
 * start is a candidate.
 * Reads: splits, teacher, what it said, the trained sub-models. Writes: of every sub-model the weights and features, the head and
 * the history. Resumes inside the training.
 */
export async function run(
  { settings, handling }: Job<EnsembleJobSettings, BatchHandling>,
  context: JobContext,
): Promise<Json> {
  const { fleet, trains, submodels, classes, ensemble, ridges, heldOut, seed } = settings;
  const { images: access, batchSize } = handling;
  const { architecture } = await readTeacherInfo(context);
  const { tensors } = await readTensors(context.input(teacherJob, commonFiles.teacher));
  const { subsets } = await readJson<PartitionFile>(context.input(partitionJob(fleet), files.partition));
  const { count, logits, features } = await readOutputs(context.input(targetsJob, files.learningTargets));
  const learning = await openLearning(context, trains, access);
  const selection = await openSplit(context, 'selection', access);
  const { signal } = context;
  const members = await Promise.all(
    submodels.map(async ({ name, index }) => {
      const own = subsets[index]!;
      const model = await readModel(context.input(trainJob(name), files.model));
      return { name, ...model, subset: { classes: own, other: own.length < classes } };
    }),
  );
  const trained = await trainEnsemble({
    name: fleet,
    submodels: members,
    images: openImageStore(learning.items, learning.preparer, { signal }),
    targets: { classes, width: features.length / count, logits, features },
    teacherHead: teacherHeadOf(architecture, tensors),
    // Else what it said of the plain images stands for it, which costs no passes.
    ...(changesImages(ensemble.augment) && { teacher: { architecture, weights: tensors } }),
    settings: ensemble,
    ridges,
    heldOut,
    seed,
    signal,
    checkpoint: fileCheckpoint(context.resumeFolder),
    onProgress: ({ fraction, ...rest }) => context.progress({ fraction: 0.9 * fraction, ...rest }),
  });
  for (const [place, { name, index }] of submodels.entries()) {
    const finished = finishedOf({ name: fleet, joint: true }, { name, index });
    const model = { architecture: members[place]!.architecture, weights: trained.weights[place]! };
    await writeModel(join(context.folder, finished.model), model);
    await writeFeatures({
      model,
      learning,
      selection,
      batchSize,
      context,
      place: (part) => finished[part],
      onProgress: (share) =>
        context.progress({
          fraction: 0.9 + (0.1 * (place + share)) / submodels.length,
          note: `features of ${name}`,
        }),
    });
  }
  await writeFusion(join(context.folder, files.fusion), trained.head);
  const { start, best, history, steps, images } = trained;
  const seconds = history.at(-1)?.seconds ?? 0;
  await writeJsonAtomic(join(context.folder, files.history), {
    history,
    start,
    best,
    steps,
    images,
    seconds,
  });
  return { steps, start: start.top1, best: best.top1, seconds };
}
