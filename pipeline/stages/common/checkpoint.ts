import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openSafetensors, writeSafetensors } from '../../model/safetensors.ts';
import type { TrainingCheckpoint, TrainingState } from '../../tensor/training-state.ts';

/** Keeps a training loop's state in one atomic file of the job's resume folder. */
export function fileCheckpoint(resumeFolder: string): TrainingCheckpoint {
  const path = join(resumeFolder, 'checkpoint.safetensors');
  return {
    async load() {
      if (!existsSync(path)) return undefined;
      const file = await openSafetensors(path);
      const tensors: Record<string, Float32Array> = {};
      for (const name of file.names) tensors[name] = await file.read(name);
      await file.close();
      return { meta: JSON.parse(file.metadata.meta) as TrainingState['meta'], tensors };
    },
    async save({ meta, tensors }) {
      const arrays = Object.entries(tensors).map(
        ([name, data]) => [name, { shape: [data.length], data }] as const,
      );
      await writeSafetensors(path, Object.fromEntries(arrays), { meta: JSON.stringify(meta) });
    },
  };
}
