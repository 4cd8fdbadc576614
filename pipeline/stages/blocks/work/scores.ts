import { join } from 'node:path';
import type { Scores, SweepScores } from '../../../measure/scores.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { files, indices } from '../artefacts.ts';

export async function writeScores(context: JobContext, { ids, models }: SweepScores): Promise<void> {
  const { scoresToArrays } = await import('../../../measure/scores.ts');
  const { writeSafetensors } = await import('../../../model/safetensors.ts');
  await writeSafetensors(join(context.folder, files.scores), scoresToArrays(models), {
    ids: JSON.stringify(ids),
  });
}

/** The scores of all shards of a sharded job, joined in the order of the images. */
export async function readAllScores(
  context: JobContext,
  jobOf: (shard: number) => string,
): Promise<ReadonlyMap<string, Scores>> {
  const { mergeSweeps } = await import('../../../measure/scores.ts');
  const shards = await Promise.all(
    indices(context.slots).map((shard) => readScores(context.input(jobOf(shard))!)),
  );
  return mergeSweeps(shards).models;
}

async function readScores(folder: string): Promise<SweepScores> {
  const { openSafetensors } = await import('../../../model/safetensors.ts');
  const { scoresFromArrays } = await import('../../../measure/scores.ts');
  const file = await openSafetensors(join(folder, files.scores));
  const arrays: Record<string, Uint8Array | Float32Array> = {};
  for (const name of file.names) arrays[name] = (await file.readTyped(name)) as Uint8Array | Float32Array;
  const ids = JSON.parse(file.metadata.ids) as string[];
  await file.close();
  return { ids, models: scoresFromArrays(arrays) };
}
