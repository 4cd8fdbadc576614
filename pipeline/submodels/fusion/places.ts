/** Where each sub-model's features stand in the row of all: [start, end) by sub-model. */
export function placesOf(widths: readonly number[]): readonly (readonly [start: number, end: number])[] {
  let end = 0;
  return widths.map((width) => [end, (end += width)]);
}

/** The places of those in `which`, one after another. */
export function indicesOf(widths: readonly number[], which: readonly number[]): Int32Array {
  const places = placesOf(widths);
  return Int32Array.from(
    which.flatMap((submodel) => {
      const [start, end] = places[submodel]!;
      return Array.from({ length: end - start }, (_, i) => start + i);
    }),
  );
}
