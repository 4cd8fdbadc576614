/** The places of every class's images, ascending; classes ascending. */
export function placesByClass(
  labels: ArrayLike<number>,
  places: ArrayLike<number> = Array.from(labels, (_, place) => place),
): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>();
  for (const place of Array.from(places)) {
    const label = labels[place]!;
    const known = found.get(label);
    if (known === undefined) found.set(label, [place]);
    else known.push(place);
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}
