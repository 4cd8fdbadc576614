import { join } from 'node:path';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { readTensors } from '../../../model/safetensors.ts';
import type { FusionHead, FusionLayer } from '../../../submodels/fusion/fusion-head.ts';
import type { FusionData } from '../../../submodels/fusion/fusion-task.ts';
import { teacherHeadOf } from '../../../submodels/fusion/teacher-head.ts';
import { trainFusion } from '../../../submodels/fusion/train-fusion.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { commonFiles, teacherJob } from '../../common/artefacts.ts';
import { readSplit, readTeacherInfo } from '../../common/open.ts';
import { ensembleJob, files, targetsJob, type Finished } from '../artefacts.ts';
import type { FleetsConfig } from '../schema.ts';
import { readFusion, writeFusion } from './fusion-file.ts';
import { readLearningItems } from './learning-images.ts';
import { readOutputs } from './model-outputs.ts';

export type FuseSettings = {
  readonly trains: boolean;
  /** In the order in which their features stand. */
  readonly submodels: readonly { readonly name: string; readonly finished: Finished }[];
  /** The fleet whose head was trained with its sub-models: a candidate like the others. */
  readonly joint: string | null;
  /** K */
  readonly classes: number;
  readonly fusion: FleetsConfig['fusion'];
  readonly seed: number;
};

/**
 * Learns to turn the features of all sub-models into one answer, also where some are missing. The selection split chooses
 * among the heads.
 * Reads: splits, the teacher's outputs, the sub-models' features. Writes: fusion.safetensors, fusion.json.
 */
export async function run({ settings }: Job<FuseSettings>, context: JobContext): Promise<Json> {
  const { trains, submodels, joint, classes, fusion, seed } = settings;
  const learning = (await readLearningItems(context, trains)).map(({ label }) => label);
  const selection = (await readSplit(context, 'selection')).items.map(({ label }) => label);
  const data = async (part: 'learning' | 'selection', labels: readonly number[]): Promise<FusionData> => {
    const outputs = await Promise.all(
      submodels.map(({ finished }) => readOutputs(context.input(finished.job, finished[part]))),
    );
    const path = part === 'learning' ? files.learningTargets : files.selectionTargets;
    const told = await readOutputs(context.input(targetsJob, path));
    return {
      features: outputs.map(({ features }) => features),
      images: labels.length,
      labels,
      teacherLogits: told.logits,
      teacherFeatures: told.features,
    };
  };
  const fit = await data('learning', learning);
  const heldOut = await data('selection', selection);
  const { head, report } = await trainFusion({
    widths: fit.features.map(({ length }) => length / fit.images),
    submodels: submodels.map(({ name }) => name),
    classes,
    fit,
    heldOut,
    ...(fusion.heads.includes('tokens') && { teacherHead: await readTeacherHead(context) }),
    ...(joint !== null && { given: [await readJointHead(joint, context)] }),
    settings: fusion,
    seed,
    signal: context.signal,
    onProgress: (progress) => context.progress(progress),
  });
  await writeFusion(join(context.folder, files.fusion), head);
  await writeJsonAtomic(join(context.folder, files.fusionReport), report);
  const chosen = report.candidates.find(({ name }) => name === report.chosen);
  return { chosen: report.chosen, ...(chosen && { top1: chosen.top1 }) };
}

async function readTeacherHead(context: JobContext): Promise<FusionLayer> {
  const { architecture } = await readTeacherInfo(context);
  const { tensors } = await readTensors(context.input(teacherJob, commonFiles.teacher));
  return teacherHeadOf(architecture, tensors);
}

async function readJointHead(
  fleet: string,
  context: JobContext,
): Promise<{ name: string; head: FusionHead }> {
  const head = await readFusion(context.input(ensembleJob(fleet), files.fusion));
  return { name: 'tokens, trained with the sub-models', head };
}
