/** N subsets that hold every class once, each ascending, sizes differing by at most one. Classes are indices below K. */
export type Partition = readonly (readonly number[])[];

/**
 * The sizes of balanced subsets, the larger ones first.
 * @throws RangeError for fewer than one subset or more subsets than classes: callers refuse that with the place in the config
 */
export function balancedSizes(classes: number, subsets: number): number[] {
  if (!Number.isInteger(subsets) || subsets < 1 || subsets > classes) {
    throw new RangeError(`${subsets} subsets of ${classes} classes`);
  }
  const larger = classes % subsets;
  return Array.from({ length: subsets }, (_, i) => Math.floor(classes / subsets) + (i < larger ? 1 : 0));
}
