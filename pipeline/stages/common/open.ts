import { join } from 'node:path';
import { openBatches, type OpenSplit } from '../../../datasets/batches.ts';
import type { Preprocessing, SplitName, Splits } from '../../../datasets/contract.ts';
import { openPreparer } from '../../../datasets/open-preparer.ts';
import { readTensors } from '../../model/safetensors.ts';
import { uploadTeacher, type TeacherTensors } from '../../model/upload.ts';
import type { JobContext } from '../../runner/contract.ts';
import { readJson } from '../../util/atomic.ts';
import { commonFiles, splitsJob, teacherJob, type ImageAccess, type TeacherInfo } from './artefacts.ts';

/** The job must need `teacherJob`. */
export function readTeacherInfo(context: JobContext): Promise<TeacherInfo> {
  return readJson<TeacherInfo>(join(context.input(teacherJob), commonFiles.teacherInfo));
}

/** The teacher on the engine. The caller disposes it. */
export async function openTeacher(context: JobContext): Promise<TeacherTensors> {
  const { architecture } = await readTeacherInfo(context);
  const { tensors } = await readTensors(join(context.input(teacherJob), commonFiles.teacher));
  return uploadTeacher(tensors, architecture);
}

/** The splits as the data stage drew them. The job must need `splitsJob`. */
export function readSplits(context: JobContext): Promise<Splits> {
  return readJson<Splits>(join(context.input(splitsJob), commonFiles.splits));
}

/** One split as the data stage drew it, prepared as the teacher wants it or as given. */
export async function openSplit(
  context: JobContext,
  name: SplitName,
  access: ImageAccess,
  preprocessing?: Preprocessing,
): Promise<OpenSplit> {
  const chosen = preprocessing ?? (await readTeacherInfo(context)).preprocessing;
  const { items } = await readSplits(context);
  const preparer = await openPreparer(access, chosen, (message) => context.warn(message));
  return openBatches(items[name], preparer, context.signal);
}
