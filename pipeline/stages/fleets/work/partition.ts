import { join } from 'node:path';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { confusedPartition } from '../../../submodels/partition/confused-partition.ts';
import { confusionMatrix, symmetricConfusion } from '../../../submodels/partition/confusion.ts';
import type { Partition } from '../../../submodels/partition/partition.ts';
import { randomPartition } from '../../../submodels/partition/random-partition.ts';
import { readPartition } from '../../../submodels/partition/read-partition.ts';
import type { PartitionConfig } from '../../../submodels/partition/schema.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { files, targetsJob } from '../artefacts.ts';
import { readLearningItems } from './learning-images.ts';
import { readOutputs } from './model-outputs.ts';

export type PartitionSettings = {
  readonly trains: boolean;
  readonly by: PartitionConfig['by'];
  readonly subsets: number;
  /** K */
  readonly classes: number;
  /** What a file calls the classes; null where none is read. */
  readonly names: readonly string[] | null;
  readonly seed: number;
};

export type PartitionHandling = { readonly file: string } | undefined;

/** `partition.json`. A type, not an interface, so that it is JSON. */
export type PartitionFile = {
  readonly by: PartitionConfig['by'];
  readonly subsets: Partition;
  /** By kind of partition: which share of the teacher's confusion between classes lies within its subsets. */
  readonly confusionInside: Readonly<Record<string, number>>;
};

/** `subset-NN.json` */
export type SubsetFile = { readonly classes: readonly number[] };

/**
 * Cuts the classes into one subset for each sub-model.
 * Reads: what the teacher says of the learning images. Writes: partition.json, and a file per subset, so that a sub-model
 * depends on its own classes alone.
 */
export async function run(
  { settings, handling }: Job<PartitionSettings>,
  context: JobContext,
): Promise<Json> {
  const { trains, by, subsets, classes, names, seed } = settings;
  const { logits } = await readOutputs(context.input(targetsJob, files.learningTargets));
  const labels = (await readLearningItems(context, trains)).map(({ label }) => label);
  const confusion = confusionMatrix(logits, labels, classes);
  const confused = (aim: 'together' | 'apart') =>
    confusedPartition({ confusion, classes, subsets, aim, seed }).partition;
  const kinds: Record<string, Partition> = {
    random: randomPartition(classes, subsets, seed),
    'confused-together': confused('together'),
    'confused-apart': confused('apart'),
  };
  if (by === 'file') {
    const { file } = handling as { readonly file: string };
    kinds.file = await readPartition(file, names ?? [], subsets);
  }
  const partition = kinds[by]!;
  const between = symmetricConfusion(confusion, classes);
  const result: PartitionFile = {
    by,
    subsets: partition,
    confusionInside: Object.fromEntries(
      Object.entries(kinds).map(([kind, found]) => [kind, shareInside(between, classes, found)]),
    ),
  };
  await writeJsonAtomic(join(context.folder, files.partition), result);
  for (const [index, own] of partition.entries()) {
    await writeJsonAtomic(join(context.folder, files.subset(index)), { classes: own } satisfies SubsetFile);
  }
  return { by, subsets: partition.length, confusionInside: result.confusionInside[by]! };
}

/** The share of all confusion between two classes whose classes share a subset; 0 where nothing is confused. */
function shareInside(between: Float64Array, classes: number, partition: Partition): number {
  const home = new Map(partition.flatMap((subset, index) => subset.map((one) => [one, index] as const)));
  let inside = 0;
  let all = 0;
  for (let a = 0; a < classes; a++) {
    for (let b = 0; b < classes; b++) {
      const value = between[a * classes + b]!;
      all += value;
      if (home.get(a) === home.get(b)) inside += value;
    }
  }
  return all === 0 ? 0 : inside / all;
}
