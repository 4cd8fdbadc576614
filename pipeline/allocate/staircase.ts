/**
 * Which of the points that come in are dominated: no lower in any coordinate than one that came before. With two
 * coordinates the undominated ones form a staircase that is searched by halving. A point is told to be dominated once
 * it is so by one of each of `count` staircases: then that many different points are at least as good.
 */
export class Staircases {
  private readonly steps: number[][][];
  private readonly coordinates: number;

  /** @param coordinates with three or more, dominance by the first few dozen points is looked for, not by all */
  constructor(count: number, coordinates: number) {
    this.steps = Array.from({ length: count }, () => []);
    this.coordinates = coordinates;
  }

  /** False where the point is dominated; otherwise it is taken in. */
  add(point: readonly number[]): boolean {
    return this.steps.some((stairs) =>
      this.coordinates === 0
        ? addFirst(stairs, point)
        : this.coordinates === 1
          ? addLower(stairs, point)
          : this.coordinates === 2
            ? addStep(stairs, point)
            : addLimited(stairs, point),
    );
  }
}

function addFirst(stairs: number[][], point: readonly number[]): boolean {
  if (stairs.length > 0) return false;
  stairs.push([...point]);
  return true;
}

function addLower(stairs: number[][], point: readonly number[]): boolean {
  const value = point[0]!;
  if (stairs.length > 0 && stairs[0]![0]! <= value) return false;
  stairs[0] = [value];
  return true;
}

/** Steps with the first coordinate rising and the second falling. */
function addStep(stairs: number[][], point: readonly number[]): boolean {
  const x = point[0]!;
  const y = point[1]!;
  let from = 0;
  let to = stairs.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (stairs[middle]![0]! <= x) from = middle + 1;
    else to = middle;
  }
  if (from > 0 && stairs[from - 1]![1]! <= y) return false;
  const start = from > 0 && stairs[from - 1]![0] === x ? from - 1 : from;
  let end = from;
  while (end < stairs.length && stairs[end]![1]! >= y) end++;
  stairs.splice(start, end - start, [x, y]);
  return true;
}

const comparedWith = 64;

function addLimited(stairs: number[][], point: readonly number[]): boolean {
  others: for (const other of stairs) {
    for (let at = 0; at < other.length; at++) if (other[at]! > point[at]!) continue others;
    return false;
  }
  if (stairs.length < comparedWith) stairs.push([...point]);
  return true;
}
