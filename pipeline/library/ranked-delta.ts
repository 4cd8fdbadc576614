import type { ManifestDescendant } from './manifest.ts';

/** The delta that the ranking used: averaged over the contexts. A library of an earlier tool has the teacher's only. */
export function rankedDelta({
  deltas,
}: Pick<ManifestDescendant, 'deltas'>): ManifestDescendant['deltas']['teacher'] {
  return deltas.average ?? deltas.teacher;
}
