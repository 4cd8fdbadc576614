import { join } from 'node:path';
import { openSplit as openBatches, type OpenSplit } from '../../../../datasets/batches.ts';
import type { Preprocessing, SplitName, Splits } from '../../../../datasets/contract.ts';
import { openSafetensors } from '../../../model/safetensors.ts';
import type { HostWeights } from '../../../model/host-weights.ts';
import { uploadTeacher } from '../../../model/upload.ts';
import type { VisionTransformer } from '../../../model/vit.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { readJson } from '../../../util/atomic.ts';
import { files, splitsJob, teacherJob } from '../artefacts.ts';
import { openPreparer } from './open-data.ts';

/** The teacher on the engine. The caller disposes it. */
export async function openTeacher(context: JobContext): Promise<VisionTransformer> {
  const file = await openSafetensors(join(context.input(teacherJob)!, files.teacher));
  const weights: HostWeights = {};
  for (const name of file.names)
    weights[name] = { shape: file.info(name).shape, data: await file.read(name) };
  await file.close();
  return uploadTeacher(weights, context.architecture);
}

/** One split as the data stage drew it, preprocessed as the run says or as given. */
export async function openSplit(
  context: JobContext,
  name: SplitName,
  preprocessing: Preprocessing = context.inputs.preprocessing,
): Promise<OpenSplit> {
  const splits = await readJson<Splits>(join(context.input(splitsJob)!, files.splits));
  return openBatches(
    splits.items[name],
    await openPreparer(context.loaded, preprocessing, (message) => context.warn(message)),
    context.signal,
  );
}
