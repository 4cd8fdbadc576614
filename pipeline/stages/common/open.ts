import { openBatches, type OpenSplit } from '../../../datasets/batches.ts';
import type { Preprocessing, SplitName, SplitSources } from '../../../datasets/contract.ts';
import { openPreparer } from '../../../datasets/open-preparer.ts';
import { readJudge } from '../../measure/index-file.ts';
import { classJudge, type Judge } from '../../measure/judge.ts';
import { isClassifier } from '../../model/architecture.ts';
import { readTensors } from '../../model/safetensors.ts';
import { uploadTeacher, type TeacherTensors } from '../../model/upload.ts';
import type { JobContext } from '../../runner/contract.ts';
import { readJson } from '../../util/atomic.ts';
import {
  commonFiles,
  splitFile,
  splitsJob,
  teacherIndexJob,
  teacherJob,
  type ImageAccess,
  type SplitFile,
  type TeacherInfo,
} from './artefacts.ts';
import type { Subset } from './classes.ts';

/** The job must need `teacherJob`. */
export function readTeacherInfo(context: JobContext): Promise<TeacherInfo> {
  return readJson<TeacherInfo>(context.input(teacherJob, commonFiles.teacherInfo));
}

/** The teacher on the engine. The caller disposes it. */
export async function openTeacher(context: JobContext): Promise<TeacherTensors> {
  const { architecture } = await readTeacherInfo(context);
  const { tensors } = await readTensors(context.input(teacherJob, commonFiles.teacher));
  return uploadTeacher(tensors, architecture);
}

/** Of a teacher that only a part is used of: all of it. The job must read `teacherHead`. The caller disposes it. */
export async function openWholeTeacher(context: JobContext, { of }: Subset): Promise<TeacherTensors> {
  const { architecture } = await readTeacherInfo(context);
  const part = await readTensors(context.input(teacherJob, commonFiles.teacher));
  const head = await readTensors(context.input(teacherJob, commonFiles.teacherHead));
  return uploadTeacher({ ...part.tensors, ...head.tensors }, { ...architecture, classes: of });
}

/**
 * What a run's models are scored by. The job must read `judgeFiles`. The caller disposes it, also where it does nothing.
 */
export async function openJudge(context: JobContext): Promise<Judge> {
  const { architecture } = await readTeacherInfo(context);
  return isClassifier(architecture)
    ? classJudge(architecture.classes)
    : readJudge(context.input(teacherIndexJob, commonFiles.index));
}

/** A split as the data stage drew it. */
export function readSplit(context: JobContext, name: SplitName): Promise<SplitFile> {
  return readJson<SplitFile>(context.input(splitsJob, splitFile(name)));
}

export function readClasses(context: JobContext): Promise<readonly string[]> {
  return readJson<readonly string[]>(context.input(splitsJob, commonFiles.classes));
}

/** Which part of the data each split was drawn from. */
export function readSources(context: JobContext): Promise<SplitSources> {
  return readJson<SplitSources>(context.input(splitsJob, commonFiles.sources));
}

/** One split as the data stage drew it, prepared as the teacher wants it or as given. */
export async function openSplit(
  context: JobContext,
  name: SplitName,
  access: ImageAccess,
  preprocessing?: Preprocessing,
): Promise<OpenSplit> {
  const chosen = preprocessing ?? (await readTeacherInfo(context)).preprocessing;
  const { items } = await readSplit(context, name);
  const preparer = await openPreparer(access, chosen, (message) => context.warn(message));
  return openBatches(items, preparer, context.signal);
}
