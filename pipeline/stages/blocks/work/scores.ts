import { join } from 'node:path';
import {
  mergeSweeps,
  scoresFromArrays,
  scoresToArrays,
  type Scores,
  type SweepScores,
} from '../../../measure/scores.ts';
import { withSafetensors, writeSafetensors } from '../../../model/safetensors.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { indices } from '../../common/artefacts.ts';
import { files } from '../artefacts.ts';

export async function writeScores(context: JobContext, { ids, models }: SweepScores): Promise<void> {
  await writeSafetensors(join(context.folder, files.scores), scoresToArrays(models), {
    ids: JSON.stringify(ids),
  });
}

/** The scores of all shards of a sharded job, joined in the order of the images. */
export async function readAllScores(
  context: JobContext,
  jobOf: (shard: number) => string,
  shards: number,
): Promise<ReadonlyMap<string, Scores>> {
  const paths = indices(shards).map((shard) => context.input(jobOf(shard), files.scores));
  return mergeSweeps(await Promise.all(paths.map(readScores))).models;
}

/** Of one shard. @throws BlockForgeError `file-missing`, `file-invalid` */
export async function readScores(path: string): Promise<SweepScores> {
  return withSafetensors(path, async (file) => {
    const arrays: Record<string, Uint8Array | Float32Array> = {};
    for (const name of file.names) arrays[name] = (await file.readTyped(name)) as Uint8Array | Float32Array;
    return { ids: JSON.parse(file.metadata['ids']!) as string[], models: scoresFromArrays(arrays) };
  });
}
