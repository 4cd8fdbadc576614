/** What stays of an axis, in this order; a number: the first so many. */
export type Kept = number | readonly number[];

/** As indices. @throws RangeError for one out of range or, unless it may, twice, or none: a bug. `what` names one of them: "channel". */
export function keptIndices(
  kept: Kept,
  size: number,
  what: string,
  { mayRepeat = false }: { readonly mayRepeat?: boolean } = {},
): readonly number[] {
  const indices = typeof kept === 'number' ? Array.from({ length: kept }, (_, i) => i) : kept;
  if (indices.length === 0) throw new RangeError(`no ${what} is kept: at least one has to be`);
  const wrong = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= size);
  if (wrong !== undefined) throw new RangeError(`${what} ${wrong} is not one of 0..${size - 1}`);
  const twice = indices.length === new Set(indices).size ? undefined : repeated(indices);
  if (twice !== undefined && !mayRepeat) throw new RangeError(`${what} ${twice} is kept twice`);
  return indices;
}

function repeated(indices: readonly number[]): number | undefined {
  return indices.find((index, place) => indices.indexOf(index) !== place);
}
