import { readJson } from '../../../util/atomic.ts';
import type { JobContext } from '../../../runner/contract.ts';
import type { ClassSubset } from '../../../submodels/training/training-task.ts';
import { indices } from '../../common/artefacts.ts';
import { files, partitionJob } from '../artefacts.ts';
import type { SubsetFile } from './partition.ts';

/** Where a model's classes are found; null for all of them. A type, not an interface, so that it is JSON. */
export type SubsetPlace = { readonly fleet: string; readonly index: number } | null;

/** The classes that a model knows of `count`, and whether one more output stands for the others. */
export async function readSubset(
  context: JobContext,
  place: SubsetPlace,
  count: number,
): Promise<ClassSubset> {
  if (place === null) return { classes: indices(count), other: false };
  const path = context.input(partitionJob(place.fleet), files.subset(place.index));
  const { classes } = await readJson<SubsetFile>(path);
  return { classes, other: classes.length < count };
}
