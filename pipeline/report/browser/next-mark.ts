export type Direction = 'left' | 'right' | 'up' | 'down' | 'first' | 'last';

export interface PlacedMark<Mark> {
  readonly mark: Mark;
  /** In pixels from the left and from the top. */
  readonly x: number;
  readonly y: number;
}

/** Marks whose places differ by less stand beside or below each other. */
const same = 0.5;

/**
 * Where a key goes from a mark: in a table to the neighbour, in a chart to the next in the order of x or of y, so that every mark is
 * reached. At the end it stays.
 */
export function nextMark<Mark>(
  placed: readonly PlacedMark<Mark>[],
  from: Mark | undefined,
  direction: Direction,
  isTable: boolean,
): Mark | undefined {
  const vertical = direction === 'up' || direction === 'down';
  const sorted = [...placed].sort((a, b) => (vertical ? a.y - b.y || a.x - b.x : a.x - b.x || a.y - b.y));
  const here = placed.find(({ mark }) => mark === from);
  if (direction === 'last') return sorted.at(-1)?.mark;
  if (here === undefined || direction === 'first') return sorted[0]?.mark;
  const step = direction === 'right' || direction === 'down' ? 1 : -1;
  const isInLine = ({ x, y }: PlacedMark<Mark>) => Math.abs(vertical ? x - here.x : y - here.y) < same;
  const line = isTable ? sorted.filter(isInLine) : sorted;
  return line[Math.max(0, Math.min(line.length - 1, line.indexOf(here) + step))]?.mark;
}
