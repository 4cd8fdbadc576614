import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readTensors, writeSafetensors } from '../../model/safetensors.ts';
import type { TrainingCheckpoint, TrainingState } from '../../tensor/training-state.ts';

/** Keeps a training loop's state in one atomic file of the job's resume folder. */
export function fileCheckpoint(resumeFolder: string): TrainingCheckpoint {
  const path = join(resumeFolder, 'checkpoint.safetensors');
  return {
    async load() {
      if (!existsSync(path)) return undefined;
      const { metadata, tensors } = await readTensors(path);
      return {
        meta: JSON.parse(metadata['meta']!) as TrainingState['meta'],
        tensors: Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data])),
      };
    },
    async save({ meta, tensors }) {
      const arrays = Object.entries(tensors).map(
        ([name, data]) => [name, { shape: [data.length], data }] as const,
      );
      await writeSafetensors(path, Object.fromEntries(arrays), { meta: JSON.stringify(meta) });
    },
  };
}
