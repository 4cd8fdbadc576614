import { join } from 'node:path';
import type { OpenSplit } from '../../../../datasets/batches.ts';
import { uploadTeacher } from '../../../model/upload.ts';
import type { JobContext } from '../../../runner/contract.ts';
import type { RunModel } from './model-file.ts';
import { writeOutputs } from './model-outputs.ts';
import { outputsOf } from './targets.ts';

export interface FeatureFiles {
  readonly model: RunModel;
  readonly learning: OpenSplit;
  readonly selection: OpenSplit;
  /** Images at once. */
  readonly batchSize: number;
  readonly context: JobContext;
  /** Name of the file in the job's folder. */
  readonly place: (part: 'learning' | 'selection') => string;
  /** Share that is done. */
  readonly onProgress: (share: number) => void;
}

/** What a model says of all images that are learned from, and of those that choose: features and logits. */
export async function writeFeatures(files: FeatureFiles): Promise<void> {
  const { model, learning, selection, batchSize, context, place, onProgress } = files;
  const tensors = uploadTeacher(model.weights, model.architecture);
  const all = learning.items.length + selection.items.length;
  try {
    onProgress(0);
    const looks = [
      ['learning', learning],
      ['selection', selection],
    ] as const;
    for (const [part, split] of looks) {
      const outputs = await outputsOf(tensors, split, split.items, batchSize, context.signal);
      await writeOutputs(join(context.folder, place(part)), outputs);
      onProgress(part === 'learning' ? learning.items.length / all : 1);
    }
  } finally {
    tensors.dispose();
  }
}
