import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mergeSweeps, type Scores } from '../../measure/scores.ts';
import { BlockForgeError } from '../../util/failure.ts';
import { files } from './artefacts.ts';
import { readScores } from './work/scores.ts';

/**
 * What a run measured of each image of its selection split: the teacher, single descendants in each context, uniform models.
 * @param ids of the split's images, in its order
 * @returns none where the run folder has no scores, or those of other images
 */
export async function scoresOfRun(
  runFolder: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Scores>> {
  const folder = join(runFolder, 'measure');
  const names = await readdir(folder).catch(() => []);
  const shards = names
    .flatMap((name) => /^shard-(\d+)$/.exec(name)?.[1] ?? [])
    .sort((a, b) => Number(a) - Number(b));
  if (shards.length === 0) return new Map();
  try {
    const parts = shards.map((shard) => readScores(join(folder, `shard-${shard}`, files.scores)));
    const { ids: found, models } = mergeSweeps(await Promise.all(parts));
    return found.length === ids.length && found.every((id, place) => id === ids[place]) ? models : new Map();
  } catch (error) {
    if (error instanceof BlockForgeError) return new Map();
    throw error;
  }
}
