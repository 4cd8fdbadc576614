import { join } from 'node:path';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { readTensors } from '../../../model/safetensors.ts';
import { correctAmong } from '../../../submodels/evaluation/correct-among.ts';
import { fineTuneTeacher } from '../../../submodels/training/fine-tune-teacher.ts';
import { openImageStore } from '../../../submodels/training/image-store.ts';
import type { TrainingSettings } from '../../../submodels/training/schema.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { commonFiles, teacherJob, type BatchHandling } from '../../common/artefacts.ts';
import { fileCheckpoint } from '../../common/checkpoint.ts';
import { openSplit, readTeacherInfo } from '../../common/open.ts';
import { files, targetsJob } from '../../fleets/artefacts.ts';
import type { TeachReport } from '../../fleets/report-file.ts';
import { openLearning } from '../../fleets/work/learning-images.ts';
import { writeModel } from '../../fleets/work/model-file.ts';
import { readOutputs, rowsOf, type ModelOutputs } from '../../fleets/work/model-outputs.ts';
import { readSubset, type SubsetPlace } from '../../fleets/work/subset.ts';
import { writeFeatures } from '../../fleets/work/write-features.ts';

export type TeachSettings = {
  readonly name: string;
  readonly trains: boolean;
  readonly subset: SubsetPlace;
  readonly training: TrainingSettings;
  readonly seed: number;
};

const told = { learning: files.learningTargets, selection: files.selectionTargets } as const;

/**
 * Fine-tunes a copy of the teacher on the classes of one subset, as published; where that does harm, the copy stays what it
 * was. Then asks it about all images that its sub-model learns from.
 * Reads: splits, teacher, what it said of the selection split, the subset. Writes: the model, its history, targets in the form
 * of the teacher's, and teach.json, in which both kinds of sub-task teacher are compared. Resumes inside the training.
 */
export async function run(
  { settings, handling }: Job<TeachSettings, BatchHandling>,
  context: JobContext,
): Promise<Json> {
  const { name, trains, training, seed } = settings;
  const { images: access, batchSize } = handling;
  const { architecture } = await readTeacherInfo(context);
  const { tensors: weights } = await readTensors(context.input(teacherJob, commonFiles.teacher));
  const subset = await readSubset(context, settings.subset, architecture.classes);
  const learning = await openLearning(context, trains, access);
  const selection = await openSplit(context, 'selection', access);
  const { signal } = context;
  const tuned = await fineTuneTeacher({
    name,
    architecture,
    weights,
    subset,
    images: openImageStore(learning.items, learning.preparer, { signal }),
    settings: training,
    seed,
    signal,
    checkpoint: fileCheckpoint(context.resumeFolder),
    onProgress: ({ fraction, ...rest }) => context.progress({ fraction: 0.8 * fraction, ...rest }),
  });
  const model = { architecture, weights: tuned.weights };
  await writeModel(join(context.folder, files.model), model);
  await writeJsonAtomic(join(context.folder, files.history), tuned.history);
  await writeFeatures({
    model,
    learning,
    selection,
    batchSize,
    context,
    place: (part) => told[part],
    onProgress: (share) => context.progress({ fraction: 0.8 + 0.2 * share, note: 'its word on all images' }),
  });
  const labels = selection.items.map(({ label }) => label);
  const right = (outputs: ModelOutputs): number => shareRight(outputs, labels, subset.classes);
  const report: TeachReport = {
    images: labels.filter((label) => subset.classes.includes(label)).length,
    heldOut: { restricted: tuned.start.ownAccuracy, tuned: tuned.best.ownAccuracy },
    selection: {
      restricted: right(await readOutputs(context.input(targetsJob, files.selectionTargets))),
      tuned: right(await readOutputs(join(context.folder, told.selection))),
    },
    seconds: tuned.history.at(-1)?.seconds ?? 0,
  };
  await writeJsonAtomic(join(context.folder, files.teachReport), report);
  return { ...report.selection, steps: tuned.steps };
}

/** The share that is right of the images of some classes, among these. */
function shareRight(
  { logits, count }: ModelOutputs,
  labels: readonly number[],
  classes: readonly number[],
): number {
  const rows = [...labels.keys()].filter((row) => classes.includes(labels[row]!));
  const own = rows.map((row) => labels[row]!);
  const correct = correctAmong(rowsOf(logits, count, rows), own, classes, classes);
  return rows.length === 0 ? 0 : correct.reduce((sum, one) => sum + one, 0) / rows.length;
}
